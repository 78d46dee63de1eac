/* written.c - the bytes of FastChat's lines out of a run's rows. */
#include "written.h"

#include "mtbench/json.h"
#include "mtbench/judgment.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- turns by name ---- */

static int compare_name(const struct turn_row *x, int64_t question_id, int choice, int turn)
{
    if (x->question_id != question_id)
        return x->question_id < question_id ? -1 : 1;
    return x->choice != choice ? x->choice - choice : x->turn - turn;
}

static int by_name(const void *a, const void *b)
{
    const struct turn_row *x = *(const struct turn_row *const *)a, *y = *(const struct turn_row *const *)b;
    return compare_name(x, y->question_id, y->choice, y->turn);
}

void turn_index_build(struct turn_index *x, const struct run_data *d)
{
    const struct turn_row *row = d->turns.row;
    *x = (struct turn_index){ xcalloc(d->turns.n + 1, sizeof *x->turn), 0 };
    for (size_t i = 0; i < d->turns.n; i++)
        if (row[i].counts)
            x->turn[x->n++] = &row[i];
    qsort(x->turn, x->n, sizeof *x->turn, by_name);
}

void turn_index_free(struct turn_index *x)
{
    free(x->turn);
    *x = (struct turn_index){0};
}

const struct turn_row *turn_index_find(const struct turn_index *x, int64_t question_id, int choice, int turn)
{
    size_t low = 0, high = x->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = compare_name(x->turn[mid], question_id, choice, turn);
        if (c == 0)
            return x->turn[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* ---- user prompts ---- */

enum { SHORTEST = 8, MOST_TURNS = 9 };   /* a shorter text may stand anywhere, and saves nothing */

/* The text that the n-th hole of this kind stands for; NULL: there is none. */
static const char *hole_text(const struct filling *f, int64_t question_id, const char *kind, int turn)
{
    if (!strcmp(kind, "answer")) {
        const struct turn_row *t = turn_index_find(f->turns, question_id, 0, turn);
        return t ? t->text : NULL;
    }
    if (!strcmp(kind, "reference")) {
        const struct model_answer *a = answer_set_find(f->reference, question_id);
        return a && turn <= a->n_turns ? a->turn[turn - 1] : NULL;
    }
    int q = strcmp(kind, "question") || !f->questions->n ? -1 : questions_find(f->questions, question_id);
    return q >= 0 && turn <= f->questions->q[q].n_turns ? f->questions->q[q].turn[turn - 1] : NULL;
}

struct hole {
    size_t at, len;                      /* of the text that it takes the place of */
    char name[24];
};

static int by_place(const void *a, const void *b)
{
    const struct hole *x = a, *y = b;
    return x->at != y->at ? (x->at < y->at ? -1 : 1) : x->len > y->len ? -1 : x->len < y->len;
}

/* As memmem(), which for long needles first makes tables of them: nearly every text differs from any other in its first bytes. */
static const char *find_text(const char *text, size_t n, const char *part, size_t len)
{
    enum { FRONT = 24 };
    const char *at = text, *end = text + n;
    const size_t front = len < FRONT ? len : FRONT;
    while ((at = memmem(at, (size_t)(end - at), part, front))) {
        if ((size_t)(end - at) >= len && !memcmp(at, part, len))
            return at;
        at++;
    }
    return NULL;
}

static int find_holes(const struct filling *f, int64_t question_id, const char *text, size_t n, struct hole *hole)
{
    static const char *const kind[] = { "question", "answer", "reference" };
    int found = 0;
    for (int k = 0; k < 3; k++)
        for (int t = 1; t <= MOST_TURNS; t++) {
            const char *part = hole_text(f, question_id, kind[k], t);
            if (!part)
                break;
            const size_t len = strlen(part);
            const char *at = len < SHORTEST ? NULL : find_text(text, n, part, len);
            if (!at)
                continue;
            hole[found] = (struct hole){ (size_t)(at - text), len, "" };
            snprintf(hole[found++].name, sizeof hole->name, "{{%s_%d}}", kind[k], t);
        }
    qsort(hole, (size_t)found, sizeof *hole, by_place);
    return found;
}

static void put_filled(struct buf *b, const struct filling *f, int64_t question_id, const char *form)
{
    for (const char *open; (open = strstr(form, "{{"));) {
        char kind[16] = "";
        int turn = 0, n = 0;
        buf_add(b, form, (size_t)(open - form));
        const char *part = sscanf(open, "{{%15[a-z]_%1d}}%n", kind, &turn, &n) == 2 && n ? hole_text(f, question_id, kind, turn) : NULL;
        if (part)
            buf_str(b, part);
        else
            buf_add(b, open, 2);         /* it is the prompt's own */
        form = open + (part ? n : 2);
    }
    buf_str(b, form);
}

char *prompt_punch(const struct filling *f, int64_t question_id, const char *text, bool *holes)
{
    struct hole hole[3 * MOST_TURNS];
    struct buf form = {0}, again = {0};
    size_t at = 0, n = strlen(text);
    int k = find_holes(f, question_id, text, n, hole);
    for (int i = 0; i < k; i++) {
        if (hole[i].at < at)             /* inside of one that was cut out */
            continue;
        buf_add(&form, text + at, hole[i].at - at);
        buf_str(&form, hole[i].name);
        at = hole[i].at + hole[i].len;
    }
    buf_add(&form, text + at, n - at);
    put_filled(&again, f, question_id, form.data ? form.data : "");
    /* A prompt may have such braces itself: then it stays as it is. */
    *holes = at > 0 && again.len == n && !memcmp(again.data, text, n);
    buf_free(&again);
    if (!*holes)
        buf_clear(&form), buf_add(&form, text, n);
    return buf_steal(&form);
}

char *prompt_fill(const struct filling *f, int64_t question_id, const struct asked_row *asked)
{
    struct buf b = {0};
    if (asked->holes)
        put_filled(&b, f, question_id, asked->user_prompt ? asked->user_prompt : "");
    else
        buf_str(&b, asked->user_prompt ? asked->user_prompt : "");
    return buf_steal(&b);
}

/* ---- lines ---- */

static const char *text_of(const char *s)
{
    return s ? s : "";
}

bool answer_written(struct buf *b, const struct answer_row *a, const struct turn_index *turns)
{
    buf_printf(b, "{\"question_id\": %lld", (long long)a->question_id);
    json_put_text_member(b, "answer_id", text_of(a->answer_id));
    json_put_text_member(b, "model_id", text_of(a->model_id));
    buf_str(b, ", \"choices\": [");
    for (int c = 0; c < a->choices; c++) {
        const struct turn_row *t;
        buf_printf(b, "%s{\"index\": %d, \"turns\": [", c ? ", " : "", c);
        for (int k = 1; (t = turn_index_find(turns, a->question_id, c, k)); k++) {
            buf_str(b, k > 1 ? ", " : "");
            json_put_string(b, text_of(t->text), strlen(text_of(t->text)));
        }
        buf_str(b, "]}");
    }
    buf_str(b, "], \"tstamp\": ");
    json_put_double(b, a->tstamp);
    buf_char(b, '}');
    return a->choices > 0;
}

void judged_written(struct buf *b, const struct judged_row *j, const struct asked_row *asked, const char *model, const char *user_prompt)
{
    const struct single_judgment s = {
        .question_id = j->question_id, .model = model, .judge = text_of(asked->judge), .prompt = text_of(asked->prompt),
        .user_prompt = user_prompt, .judgment = text_of(j->judgment), .score = j->score, .score_is_int = j->score_is_int,
        .turn = j->turn, .tstamp = j->tstamp,
    };
    single_judgment_put(b, &s);
}

void pair_written(struct buf *b, const struct pair_row *p, const struct asked_row *asked, const char *prompt_1, const char *prompt_2)
{
    const struct pair_judgment j = {
        .question_id = p->question_id, .model_1 = text_of(p->model_1), .model_2 = text_of(p->model_2),
        .g1_winner = (enum winner)p->g1_winner, .g2_winner = (enum winner)p->g2_winner, .judge = text_of(asked->judge),
        .prompt = text_of(asked->prompt), .g1_user_prompt = prompt_1, .g1_judgment = text_of(p->g1_judgment),
        .g2_user_prompt = prompt_2, .g2_judgment = text_of(p->g2_judgment), .turn = p->turn, .tstamp = p->tstamp,
    };
    pair_judgment_put(b, &j);
}
