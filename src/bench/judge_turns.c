/* judge_turns.c - judge prompts for third and later turns, made from the one for two turns. */
#include "mtbench/judge_prompt.h"

#include "mtbench/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const ordinal[JUDGE_MAX_TURNS + 1] = {"",      "first",   "second", "third", "fourth", "fifth",
                                                         "sixth", "seventh", "eighth", "ninth", "tenth"};

/* ---- a template as pieces: a literal and the field behind it ---- */

struct piece {
    const char *literal, *field;         /* field NULL: the end of the template */
    size_t n_literal, n_field;
};

struct pieces {
    struct piece *piece;
    int n;
};

static void add_piece(struct pieces *p, struct piece one)
{
    p->piece = xrealloc(p->piece, (size_t)p->n + 1, sizeof *p->piece);
    p->piece[p->n++] = one;
}

static void cut(const char *template, struct pieces *p)
{
    const char *from = template, *at = template;
    while (*at) {
        /* A '{' that is never closed stays literal: judge_prompt_fill() names that fault, with the prompt, when it is used. */
        size_t k = *at == '{' && at[1] != '{' ? strcspn(at, "}") : 0;
        if (k && at[k]) {
            add_piece(p, (struct piece){ from, at + 1, (size_t)(at - from), k - 1 });
            from = at += k + 1;
        } else
            /* A doubled brace is text, and its second half must not open a field. */
            at += (*at == '{' || *at == '}') && at[1] == *at ? 2 : 1;
    }
    /* What is behind the last field; also the whole of a template without fields. */
    add_piece(p, (struct piece){ from, NULL, (size_t)(at - from), 0 });
}

/* Is it the field of this turn (1 or 2): NAME_1, NAME_2? */
static bool of_turn(const struct piece *p, int turn)
{
    /* At least one letter, then '_' and the digit. */
    return p->field && p->n_field > 2 && p->field[p->n_field - 2] == '_' && p->field[p->n_field - 1] == '0' + turn;
}

static bool same_name(const struct piece *a, const struct piece *b)
{
    return a->n_field == b->n_field && !memcmp(a->field, b->field, a->n_field - 2);
}

/* How many fields of turn 1 stand together here, with the same ones of turn 2 behind them. 0: they do not. */
static int group_at(const struct pieces *p, int i)
{
    int k = 0;
    /* A block of one turn may hold several: question_1, ref_answer_1, answer_1, and only then question_2. */
    while (i + k < p->n && of_turn(&p->piece[i + k], 1))
        k++;
    /* Question and answer of turn 1, then the same of turn 2: only such blocks can be continued. */
    for (int j = 0; j < k; j++)
        if (i + k + j >= p->n || !of_turn(&p->piece[i + k + j], 2) || !same_name(&p->piece[i + j], &p->piece[i + k + j]))
            return 0;
    return k;
}

/* ---- writing ---- */

/* Length of the word or lone digit for turn 'of' (1 or 2) that stands here: "second", "2", but not the 2 of "12". 0: none. */
static size_t turn_word(const char *text, size_t n, size_t at, int of)
{
    const char *word = ordinal[of];
    size_t k = text[at] == '0' + of ? 1 : strlen(word);
    /* A digit: not within a number. */
    if (k == 1)
        /* A digit inside a number ("12", "2.5" by its neighbours) is none; a word must stand alone ("seconds" is no turn). */
        return (at && isdigit((unsigned char)text[at - 1])) || (at + 1 < n && isdigit((unsigned char)text[at + 1])) ? 0 : 1;
    bool same = n - at >= k && tolower((unsigned char)text[at]) == word[0] && !memcmp(text + at + 1, word + 1, k - 1);
    return same && (at == 0 || !isalnum((unsigned char)text[at - 1])) && (at + k == n || !isalnum((unsigned char)text[at + k])) ? k : 0;
}

static void put_turn_word(struct buf *out, char first, int turn)
{
    size_t from = out->len;
    if (isdigit((unsigned char)first))
        buf_printf(out, "%d", turn);
    else
        buf_str(out, ordinal[turn]);
    if (isupper((unsigned char)first))   /* "Second question" keeps its capital */
        out->data[from] = (char)toupper((unsigned char)out->data[from]);
}

/* What stands before a field of turn 2, for that of a later turn: each "second" and "2" is the turn, each "first" and "1" the one before.
 */
static void put_label(struct buf *out, const struct piece *p, int turn)
{
    for (size_t at = 0; at < p->n_literal;) {
        size_t one = turn_word(p->literal, p->n_literal, at, 1), two = turn_word(p->literal, p->n_literal, at, 2);
        if (one + two)
            put_turn_word(out, p->literal[at], two ? turn : turn - 1);
        else
            buf_char(out, p->literal[at]);
        at += one + two ? one + two : 1;
    }
}

/* What closes the block of turn 2 closes that of the last turn, as far as it is what closes the block of turn 1 with the other number:
 * "</second question>" behind "</first question>". The rest is left as it is. */
static void put_closing(struct buf *out, const struct piece *first, const struct piece *second, int turn)
{
    size_t a = 0, b = 0;
    while (a < first->n_literal && b < second->n_literal) {
        size_t one = turn_word(first->literal, first->n_literal, a, 1), two = turn_word(second->literal, second->n_literal, b, 2);
        if (one && two)
            put_turn_word(out, second->literal[b], turn);
        else if (first->literal[a] == second->literal[b])
            buf_char(out, second->literal[b]);
        else
            break;
        a += one && two ? one : 1;
        b += one && two ? two : 1;
    }
    buf_add(out, second->literal + b, second->n_literal - b);
}

/* The system text: "second" is the turn; where it does not say so, a sentence is added. */
static void put_system(struct buf *out, const char *text, int turn)
{
    bool said = false;
    for (size_t at = 0, n = strlen(text); at < n;) {
        /* Only the word counts here: digits in a system text are scales and examples. */
        size_t k = isdigit((unsigned char)text[at]) ? 0 : turn_word(text, n, at, 2);
        if (k)
            put_turn_word(out, text[at], turn);
        else
            buf_char(out, text[at]);
        said = said || k;
        at += k ? k : 1;
    }
    /* Without the sentence the judge would be told nothing of which turn to look at. */
    if (!said)
        buf_printf(out, "%sYour evaluation should focus on the answer to the %s user question.", *text ? " " : "", ordinal[turn]);
}

static void put_piece(struct buf *out, const struct piece *p)
{
    buf_add(out, p->literal, p->n_literal);
    if (p->field)
        buf_printf(out, "{%.*s}", (int)p->n_field, p->field);
}

/* The blocks of turn 2 again, for each further turn. */
static void put_more_turns(struct buf *out, const struct piece *second, int k, int turns)
{
    /* t goes up to JUDGE_MAX_TURNS, as far as there are words for it. */
    for (int t = 3; t <= turns; t++)
        for (int j = 0; j < k; j++) {    /* turns 1 and 2 stand there already */
            put_label(out, &second[j], t);
            buf_printf(out, "{%.*s_%d}", (int)second[j].n_field - 2, second[j].field, t);
        }
}

/* False: its fields of turns 1 and 2 do not stand in groups. */
static bool put_template(struct buf *out, const struct pieces *p, int turns)
{
    const struct piece *closing = NULL;  /* behind a group: what closes its block of turn 1 */
    int groups = 0;
    for (int i = 0; i < p->n;) {
        struct piece one = p->piece[i];
        int k = group_at(p, i);
        /* Where the field of a third turn would go is a guess then, so there is no variant, and the verbs say that the turn is not
         * judged. */
        if (!k && (of_turn(&one, 1) || of_turn(&one, 2)))
            return false;
        if (closing) {
            put_closing(out, closing, &one, turns);
            one.n_literal = 0;           /* put_closing() wrote it, with the last turn's number */
        }
        put_piece(out, &one);
        for (int j = 1; j < 2 * k; j++)
            put_piece(out, &p->piece[i + j]);
        put_more_turns(out, &p->piece[i + k], k, turns);
        closing = k ? &p->piece[i + k] : NULL;
        groups += k > 0;
        i += k ? 2 * k : 1;              /* a group was written whole */
    }
    return groups > 0;
}

static bool extend(const struct judge_prompt *two, int turns, struct judge_prompt *out)
{
    struct pieces p = {0};
    struct buf system = {0}, template = {0};
    cut(two->prompt_template, &p);
    bool fine = put_template(&template, &p, turns);
    put_system(&system, two->system_prompt, turns);
    *out = *two;                         /* flags; the three texts are replaced */
    out->name = xasprintf("%s-%d", two->name, turns);
    out->system_prompt = buf_steal(&system);
    out->prompt_template = buf_steal(&template);
    free(p.piece);
    /* A template of another build has no third turn; such turns are said to be without a judge. */
    if (fine)
        return true;
    free(out->name);
    free(out->system_prompt);
    free(out->prompt_template);
    return false;
}

void judge_prompts_extend(struct judge_prompts *p, int turns)
{
    static const char ending[] = "-multi-turn";
    /* Only up to the prompts that the file has: those added here are no base of others. */
    for (int i = 0, n = p->n; i < n; i++) {
        size_t k = strlen(p->prompt[i].name), m = strlen(ending);
        /* Of two of one name the last is meant. */
        if (k < m || strcmp(p->prompt[i].name + k - m, ending) || &p->prompt[i] != judge_prompts_find(p, p->prompt[i].name))
            continue;
        for (int t = 3; t <= turns && t <= JUDGE_MAX_TURNS; t++) {
            struct judge_prompt more;
            if (!extend(&p->prompt[i], t, &more)) /* what cannot take three turns takes no more either */
                break;
            if (judge_prompts_find(p, more.name)) {      /* the file has one of its own */
                free(more.name);
                free(more.system_prompt);
                free(more.prompt_template);
                continue;
            }
            p->prompt = xrealloc(p->prompt, (size_t)p->n + 1, sizeof *p->prompt);
            p->prompt[p->n++] = more;
        }
    }
}
