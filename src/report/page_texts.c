/* page_texts.c - the texts of a page: question by question what was asked, what models answered, and what judges said. */
#include "page_priv.h"

#include "browser_text.h"
#include "html.h"
#include "markdown.h"

#include "mtbench/answer_facts.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As the script knows them. */
enum { ANSWER_FAILED = 1, ANSWER_CUT = 2, ANSWER_EMPTY = 4, ANSWER_REMADE = 8 };

struct writer {
    struct page *p;
    struct gallery_words words;          /* of the judgment that is written */
    struct buf text;                     /* an answer, or a reference, as it is shown */
    bool *judged;                        /* (n_judges, n_models) has this judge judged any answer of this model? */
};

static void put_text(struct buf *b, const char *s)
{
    html_put_text(b, s, strlen(s));
}

/* A text of somebody's. */
static void put_body(struct page *p, const char *text, size_t n)
{
    /* End tags that HTML lets go: a thirtieth of a page. */
    static const char *const ends[] = { "</p>", "</li>", NULL };
    const size_t from = p->b.len;
    if (n) {
        markdown_put(&p->b, text, n);
        page_drop(&p->b, from, ends);
    } else
        buf_str(&p->b, "<p class=failed>(empty)</p>");
}

static void put_failed(struct buf *b, const char *words, const char *reason)
{
    buf_str(b, "<p class=failed>");
    put_text(b, words);
    if (reason) {
        buf_str(b, ": ");
        put_text(b, reason);
    }
    buf_str(b, "</p>");
}

const char *page_status_words(enum judgment_status s)
{
    static const char *const words[JUDGMENT_STATUSES] = {
        "", "no verdict can be read in what the judge said", "the rating lies outside 1..10", "the token limit cut the judge short",
        "a content filter stood in the way", "the judge refused", "the prompt is too long for the judge", "the call failed",
        "there was no answer to judge" };
    return (unsigned)s < JUDGMENT_STATUSES ? words[s] : "unknown";
}

/* ---- a question ---- */

/* References that a judge was shown: answers of a model, of the bench. */
static void put_shown_references(struct writer *w, int q)
{
    const struct gallery *g = w->p->g;
    struct buf *b = &w->p->b;
    for (int m = 0; m < g->references.n; m++) {
        const struct model_answer *a = answer_set_find(&g->references.model[m], g->questions.q[q].id);
        for (int t = 0; a && t < a->n_turns; t++) {
            buf_printf(b, "<section class=reference data-turn=%d><h4>Reference for judges by ", t + 1);
            put_text(b, g->references.model[m].model);
            buf_printf(b, ", turn %d</h4>", t + 1);
            put_body(w->p, a->turn[t], strlen(a->turn[t]));
            buf_str(b, "</section>");
        }
    }
}

static void put_question(struct writer *w, int q)
{
    const struct question *question = &w->p->g->questions.q[q];
    struct buf *b = &w->p->b;
    buf_printf(b, "<noscript data-q=%d><article id=\"", q);
    page_put_view(b, w->p->g, q, -1, -1);
    buf_printf(b, "\"><h3>Question %lld (", (long long)question->id);
    put_text(b, question->category);
    buf_str(b, ")</h3>\n");
    for (int t = 0; t < question->n_turns; t++) {
        buf_printf(b, "<section class=user data-turn=%d><h4>User, turn %d</h4>", t + 1, t + 1);
        put_body(w->p, question->turn[t], strlen(question->turn[t]));
        buf_str(b, "</section>");
    }
    buf_clear(&w->text);
    browser_put_reference(&w->text, question);
    if (w->text.len) {
        buf_str(b, "<section class=reference><h4>Reference solution</h4>");
        put_body(w->p, w->text.data, w->text.len);
        buf_str(b, "</section>");
    }
    put_shown_references(w, q);
    buf_str(b, "</article></noscript>\n");
}

/* ---- judgments ---- */

static void put_where(struct buf *b, const struct gallery_row *r, int game)
{
    buf_printf(b, "<section class=judgment data-turn=%d data-judge=%d", r->turn, r->judge);
    if (r->repeat > 1)
        buf_printf(b, " data-repeat=%d", r->repeat);
    if (game)
        buf_printf(b, " data-game=%d", game);
    buf_str(b, "><h4>");
}

static void put_whose(struct writer *w, const struct gallery_row *r)
{
    put_text(&w->p->b, w->p->g->judge[r->judge].name);
    buf_printf(&w->p->b, " on turn %d", r->turn);
    if (r->repeat > 1)
        buf_printf(&w->p->b, ", repeat %d", r->repeat);
    buf_str(&w->p->b, ": ");
}

/* "$ERROR$" is the trace of a failure and no text. */
static void put_words(struct writer *w, int game, enum judgment_status status, const char *reason)
{
    const struct buf *text = &w->words.text[game - 1];
    if (status != JUDGMENT_OK)
        put_failed(&w->p->b, page_status_words(status), reason);
    if (status == JUDGMENT_OK || (text->len && !answer_is_failure(text->data)))
        put_body(w->p, text->data, text->len);
    buf_str(&w->p->b, "</section>");
}

static const char remade_words[] = "The answer was made anew since; judge again";

/* Was another answer judged than the one that lies here? */
static bool is_remade(const struct writer *w, const char *answer)
{
    struct json_text prompt;
    return answer && !answer_is_failure(answer) && json_member_string(w->words.prompt, &prompt) && !answer_is_shown(&prompt, answer);
}

/* The same of a model's answer to a pair's turn. */
static bool is_model_remade(const struct writer *w, const struct gallery_row *r, int model)
{
    const struct gallery *g = w->p->g;
    const struct model_answers *m = g->model[model].answers;
    const struct model_answer *a = m ? answer_set_find(m, g->questions.q[r->question].id) : NULL;
    return a && r->turn <= a->n_turns && is_remade(w, a->turn[r->turn - 1]);
}

/* '*remade' is set where the judge was shown another answer. */
static int put_single(struct writer *w, const struct gallery_row *r, const char *answer, bool *remade, struct err *err)
{
    const struct judgment_row *t = gallery_table_row(w->p->g, r);
    const char *reason;
    const enum judgment_status status = gallery_status(w->p->g, r, 1, &reason);
    struct buf *b = &w->p->b;
    if (gallery_words_read(w->p->g, r, &w->words, err) < 0)
        return -1;
    put_where(b, r, 0);
    put_whose(w, r);
    if (status == JUDGMENT_OK || status == JUDGMENT_OUT_OF_RANGE)
        score_put(b, t->score, t->score_is_int);
    else
        buf_str(b, "no score");
    buf_str(b, "</h4>");
    if (is_remade(w, answer)) {
        put_failed(b, remade_words, NULL);
        *remade = w->p->remade[r - w->p->g->row] = true;
    }
    put_words(w, 1, status, reason);
    return 0;
}

/* Has a judge of the same file judged it, that stood in for this one, or this one for it? */
static bool has_stand_in(const struct gallery *g, int judge, const bool *there)
{
    bool found = false;
    for (int k = 0; k < g->n_judges; k++)
        found |= there[k] && g->judge[k].single == g->judge[judge].single;
    return found;
}

/* Judges that have judged this model, and not this turn of it. */
static void put_missing(struct writer *w, int q, int model, int turn, const bool *there)
{
    const struct gallery *g = w->p->g;
    for (int j = 0; j < g->n_judges; j++) {
        const char *reason;
        if (has_stand_in(g, j, there) || !w->judged[j * g->n_models + model])
            continue;
        const enum judgment_status status = gallery_missing(g, j, q, model, turn, &reason);
        put_where(&w->p->b, &(struct gallery_row){ .turn = (uint8_t)turn, .judge = (int16_t)j, .repeat = 1 }, 0);
        put_text(&w->p->b, g->judge[j].name);
        buf_printf(&w->p->b, " on turn %d: no judgment</h4>", turn);
        put_failed(&w->p->b, status == JUDGMENT_OK ? "It is not in the file of judgments; judge again" : page_status_words(status), reason);
        buf_str(&w->p->b, "</section>");
    }
}

/* ---- an answer ---- */

static long characters(const char *text)
{
    long n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Returns what is to be said of it. */
static int put_answer(struct writer *w, int q, int model, int choice, int n_choices, int turn, const char *text)
{
    const struct gallery *g = w->p->g;
    const struct origin_turn *o = gallery_origin(g, model, q, choice, turn);
    struct buf *b = &w->p->b;
    const bool failed = !text || answer_is_failure(text), cut = o && o->cut;
    buf_printf(b, "<section class=answer data-turn=%d data-choice=%d><h4>", turn, choice);
    put_text(b, g->model[model].name);
    buf_printf(b, ", turn %d", turn);
    if (n_choices > 1)
        buf_printf(b, ", choice %d of %d", choice + 1, n_choices);
    buf_str(b, "</h4>");
    if (!text && o && o->ok)
        put_failed(b, "The answer is in the journal alone; start the run again, which writes it into the file of answers", NULL);
    else if (failed)
        put_failed(b, text ? "The answer failed" : "There is no answer", o && !o->ok ? o->reason : NULL);
    if (cut)
        buf_str(b, "<p class=failed>It ran into the token limit, which cut it.</p>");
    if (!failed) {
        buf_clear(&w->text);
        browser_put_answer(&w->text, text, strlen(text));
        put_body(w->p, w->text.data, w->text.len);
    }
    buf_str(b, "</section>");
    return (failed ? ANSWER_FAILED : 0) | (cut ? ANSWER_CUT : 0) | (text && !failed && !*text ? ANSWER_EMPTY : 0);
}

static void index_answer(struct page *p, int q, int model, int choice, int turn, const char *text, int flags)
{
    const struct origin_turn *o = gallery_origin(p->g, model, q, choice, turn);
    const long length = text && !(flags & ANSWER_FAILED) ? characters(text) : 0;
    buf_printf(&p->answers, "[%d,%d,%d,%d,%ld,%d,%d,", q, model, choice, turn, length, flags, page_origin(p, model, o));
    if (o && *o->prompt_sha256)
        buf_printf(&p->answers, "\"%s\"", o->prompt_sha256);
    else
        buf_str(&p->answers, "null");
    if (o)
        page_put_made(&p->answers, o);
    buf_str(&p->answers, "],");
    p->size->answers += text != NULL;
}

/* All choices of a turn, and what was judged of it. 'row': of the answer. */
static int put_turn(struct writer *w, int q, int model, const cJSON *record, int turn, const struct gallery_row *row, size_t n,
                    struct err *err)
{
    const int n_choices = record ? gallery_choices(record) : 1;
    int *flags = xcalloc((size_t)n_choices + 1, sizeof *flags), rc = 0;
    bool *there = xcalloc((size_t)w->p->g->n_judges + 1, sizeof *there), remade = false;
    const char *judged = record ? gallery_text(record, 0, turn) : NULL;      /* the first choice is what judges see */
    for (int c = 0; c < n_choices; c++)
        flags[c] = put_answer(w, q, model, c, n_choices, turn, record ? gallery_text(record, c, turn) : NULL);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (row[i].turn == turn) {
            there[row[i].judge] = true;
            rc = put_single(w, &row[i], judged, &remade, err);
        }
    if (judged && turn <= UINT8_MAX)     /* no judge knows a later one */
        put_missing(w, q, model, turn, there);
    flags[0] |= remade ? ANSWER_REMADE : 0;
    for (int c = 0; c < n_choices; c++)
        index_answer(w->p, q, model, c, turn, record ? gallery_text(record, c, turn) : NULL, flags[c]);
    free(flags);
    free(there);
    return rc;
}

/* The turns that anybody knows of: the question's, the answer's, the judgments', the journal's. 0: nothing is known of this model. */
static int count_turns(const struct gallery *g, int q, int model, const cJSON *record, const struct gallery_row *row, size_t n)
{
    int turns = 0;
    for (int c = 0; record && c < gallery_choices(record); c++)
        turns = gallery_turns(record, c) > turns ? gallery_turns(record, c) : turns;
    for (size_t i = 0; i < n; i++)
        turns = row[i].turn > turns ? row[i].turn : turns;
    if (!turns && !gallery_origin(g, model, q, 0, 1))
        return 0;
    return turns > g->questions.q[q].n_turns ? turns : g->questions.q[q].n_turns;
}

static int put_model(struct writer *w, int q, int model, const struct gallery_row *row, size_t n, struct err *err)
{
    const struct gallery *g = w->p->g;
    struct buf *b = &w->p->b;
    struct err why = {0};
    cJSON *record = gallery_answer(g, model, q, &why);
    const int turns = count_turns(g, q, model, record, row, n);
    int rc = why.kind ? -1 : 0;
    if (why.kind)
        *err = why;
    if (turns && rc == 0) {
        buf_printf(b, "<noscript data-q=%d data-a=%d><article id=\"", q, model);
        page_put_view(b, g, q, model, -1);
        buf_str(b, "\"><h3>");
        put_text(b, g->model[model].name);
        buf_printf(b, " on question %lld</h3>\n", (long long)g->questions.q[q].id);
        for (int t = 1; t <= turns && rc == 0; t++)
            rc = put_turn(w, q, model, record, t, row, n, err);
        buf_str(b, "</article></noscript>\n");
    }
    cJSON_Delete(record);
    return rc;
}

/* ---- pairs ---- */

/* Of a game, with the models as they were shown: who is A. */
static int shown_first(const struct gallery_row *r, int game)
{
    return (game == 1) == !r->swapped ? r->a : r->b;
}

enum { TIE = -1, NO_VERDICT = -2 };

/* Which model won a game: its number, or one of these. */
static int winner_of(const struct gallery *g, const struct gallery_row *r, int game)
{
    const struct judgment_row *t = gallery_table_row(g, r);
    const enum winner w = (enum winner)(game == 1 ? t->g1 : t->g2);
    const char *reason;
    if (w == WINNER_ERROR || gallery_status(g, r, game, &reason) != JUDGMENT_OK)
        return NO_VERDICT;
    return w == WINNER_TIE ? TIE : (w == WINNER_MODEL_1) == !r->swapped ? r->a : r->b;
}

static void put_winner(struct writer *w, int model)
{
    buf_str(&w->p->b, model == NO_VERDICT ? "no verdict" : model == TIE ? "a tie" : "");
    if (model >= 0) {
        put_text(&w->p->b, w->p->g->model[model].name);
        buf_str(&w->p->b, " wins");
    }
}

static void put_verdict(struct writer *w, const struct gallery_row *r, const int winner[2])
{
    struct buf *b = &w->p->b;
    buf_printf(b, "<p class=verdict data-turn=%d data-judge=%d>", r->turn, r->judge);
    put_whose(w, r);
    put_winner(w, winner[0]);
    if (winner[0] == winner[1]) {
        buf_str(b, " in both games");
    } else {
        buf_str(b, " in game 1, ");
        put_winner(w, winner[1]);
        buf_str(b, " in game 2; it counts as ");
        buf_str(b, winner[0] == NO_VERDICT || winner[1] == NO_VERDICT ? "failed" : "a tie");
    }
    buf_str(b, "</p>\n");
}

static int put_games(struct writer *w, const struct gallery_row *r, struct err *err)
{
    const struct gallery *g = w->p->g;
    const int winner[2] = { winner_of(g, r, 1), winner_of(g, r, 2) };
    if (gallery_words_read(g, r, &w->words, err) < 0)
        return -1;
    put_verdict(w, r, winner);
    if (is_model_remade(w, r, r->a) || is_model_remade(w, r, r->b)) {
        put_failed(&w->p->b, remade_words, NULL);
        w->p->remade[r - g->row] = true;
    }
    for (int game = 1; game <= 2; game++) {
        const char *reason;
        const enum judgment_status status = gallery_status(g, r, game, &reason);
        const int first = shown_first(r, game);
        put_where(&w->p->b, r, game);
        put_whose(w, r);
        buf_printf(&w->p->b, "game %d, A is ", game);
        put_text(&w->p->b, g->model[first].name);
        buf_str(&w->p->b, ", B is ");
        put_text(&w->p->b, g->model[first == r->a ? r->b : r->a].name);
        buf_str(&w->p->b, "; ");
        put_winner(w, winner[game - 1]);
        buf_str(&w->p->b, "</h4>");
        put_words(w, game, status, reason);
    }
    w->p->size->judgments += 2;
    return 0;
}

/* All games of two models: rows of one question and pair. */
static int put_pair(struct writer *w, const struct gallery_row *row, size_t n, struct err *err)
{
    const struct gallery *g = w->p->g;
    struct buf *b = &w->p->b;
    int rc = 0;
    buf_printf(b, "<noscript data-q=%d data-a=%d data-b=%d><article id=\"", row->question, row->a, row->b);
    page_put_view(b, g, row->question, row->a, row->b);
    buf_str(b, "\"><h3>");
    put_text(b, g->model[row->a].name);
    buf_str(b, " against ");
    put_text(b, g->model[row->b].name);
    buf_printf(b, " on question %lld</h3>\n", (long long)g->questions.q[row->question].id);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_games(w, &row[i], err);
    buf_str(b, "</article></noscript>\n");
    return rc;
}

/* ---- all of it ---- */

/* How many rows from the first on are of its model, or pair. */
static size_t run_of(const struct gallery_row *row, size_t n)
{
    size_t k = 1;
    while (k < n && row[k].a == row->a && row[k].b == row->b)
        k++;
    return k;
}

/* 'row': of this question. */
static int put_all_of(struct writer *w, int q, const struct gallery_row *row, size_t n, struct err *err)
{
    const struct gallery *g = w->p->g;
    size_t at = 0;
    int rc = 0;
    put_question(w, q);
    for (int m = 0; m < g->n_models && rc == 0; m++) {
        const bool judged = at < n && row[at].b < 0 && row[at].a == m;
        const size_t k = judged ? run_of(row + at, n - at) : 0;
        rc = put_model(w, q, m, row + at, k, err);
        w->p->size->judgments += (long)k;
        at += k;
        page_flow(w->p);
    }
    for (size_t k; at < n && rc == 0; at += k) {
        k = run_of(row + at, n - at);
        rc = put_pair(w, row + at, k, err);
        page_flow(w->p);
    }
    return rc;
}

static bool *find_judged(const struct gallery *g)
{
    bool *judged = xcalloc((size_t)g->n_judges * (size_t)g->n_models + 1, sizeof *judged);
    for (size_t i = 0; i < g->n_rows; i++)
        if (g->row[i].b < 0)
            judged[g->row[i].judge * g->n_models + g->row[i].a] = true;
    return judged;
}

int page_put_texts(struct page *p, struct err *err)
{
    const struct gallery *g = p->g;
    struct writer w = { .p = p, .judged = find_judged(g) };
    int rc = 0;
    buf_str(&p->b, "<section id=\"texts\" aria-label=\"Texts\"><noscript><h2>Texts</h2></noscript>\n");
    size_t at = 0;
    for (int q = 0; q < g->questions.n && rc == 0; q++) {
        size_t end = at;
        while (end < g->n_rows && g->row[end].question == q)
            end++;
        if (p->question == ALL_QUESTIONS || p->question == q)
            rc = put_all_of(&w, q, g->row + at, end - at, err);
        at = end;
    }
    buf_str(&p->b, "</section>");
    gallery_words_free(&w.words);
    buf_free(&w.text);
    free(w.judged);
    return rc;
}
