/* review_sheets.c - how answers and judgments were made and what failed, as sheets. */
#include "review_sheets.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A column for people and programs alike. */
static void columns(struct sheet *out, const char *const (*name)[2], int n)
{
    for (int i = 0; i < n; i++)
        sheet_column(out, name[i][0], name[i][1], 0, SHEET_ALL);
}
#define COLUMNS(out, name) columns(out, name, sizeof name / sizeof *name)

static void put_fact(struct sheet *out, const char *value)
{
    sheet_text(out, value && *value ? value : NOT_RECORDED);
}

/* ---- answers ---- */

static const char *const made_by[] = { [ORIGIN_NONE] = NOT_RECORDED, [ORIGIN_TURNS] = "local weights", [ORIGIN_CALLS] = "a server" };

/* Of a server's answers the name that it gave itself, where it gave one. */
static const char *server_of(const struct origin *o)
{
    for (int i = 0; i < o->n; i++)
        if (o->turn[i].server_model)
            return o->turn[i].server_model;
    return origin_fact(&o->facts, "model");
}

void sheet_answers_made(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "model", NULL }, { "made_by", "made by" }, { "program", NULL }, { "sampler", NULL },
                                           { "seed", NULL }, { "max_new_token", "token limit" }, { "template", NULL },
                                           { "weights", "weights' type" }, { "numerics", NULL }, { "layout", "ranks and devices" } };
    COLUMNS(out, name);
    for (int m = 0; m < r->n_models; m++) {
        const struct origin *o = &r->model[m].origin;
        if (o->kind == ORIGIN_NONE && !o->facts.n)
            continue;
        const bool served = o->kind == ORIGIN_CALLS;
        sheet_text(out, r->model[m].name);
        if (served && server_of(o))
            sheet_printf(out, "a server, as %s", server_of(o));
        else
            sheet_text(out, made_by[o->kind]);
        put_fact(out, origin_fact(&o->facts, "program"));
        if (served && o->n && o->turn[0].sent)   /* what went out is what was asked for, whatever the manifest says */
            sheet_text(out, o->turn[0].sent);
        else
            put_fact(out, origin_fact(&o->facts, "sampler"));
        put_fact(out, origin_fact(&o->facts, "seed"));
        put_fact(out, origin_fact(&o->facts, served ? "max_tokens" : "max_new_token"));
        put_fact(out, served ? "the server's" : origin_fact(&o->facts, "template"));
        put_fact(out, served ? "the server's" : origin_fact(&o->facts, "weights"));
        put_fact(out, served ? "the server's" : origin_fact(&o->facts, "numerics"));
        put_fact(out, served ? "the server's" : origin_fact(&o->facts, "layout"));
    }
}

struct sums { double tokens, seconds, energy; long records; };

static struct sums sum_up(const struct origin *o)
{
    struct sums s = {0};
    for (int i = 0; i < o->n; i++) {
        const struct origin_turn *t = &o->turn[i];
        s.tokens += t->n_new >= 0 ? (double)t->n_new : 0;
        s.seconds += isnan(t->seconds) ? 0 : t->seconds;
        s.energy += isnan(t->energy_j) ? 0 : t->energy_j;
        s.records += t->records;
    }
    return s;
}

static void put_known(struct sheet *out, double v, bool known)
{
    sheet_number(out, known ? v : NAN);
}

void sheet_answers_count(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "model", NULL }, { "choices", NULL }, { "turns", NULL }, { "no_answer", "no answer" },
                                           { "empty", NULL }, { "cut_at_limit", "cut at the limit" },
                                           { "other_questions", "to other questions" }, { "new_tokens", "tokens" },
                                           { "turn_seconds", "seconds of turns" }, { "energy_j", "joules" } };
    COLUMNS(out, name);
    for (int m = 0; m < r->n_models; m++) {
        const struct review_model *v = &r->model[m];
        const struct sums s = sum_up(&v->origin);
        sheet_text(out, v->name);
        if (!v->answered) {              /* judged somewhere else: nothing is known, which is not 0 */
            for (int i = 0; i < 6; i++)
                sheet_empty(out);
        } else {
            sheet_int(out, v->choices);
            sheet_int(out, v->turns);
            sheet_int(out, v->n_gaps);
            sheet_int(out, v->empty);
            put_known(out, (double)v->cut, v->origin.n > 0);
            sheet_int(out, v->elsewhere);
        }
        put_known(out, s.tokens, v->origin.n > 0);
        put_known(out, s.seconds, v->origin.n > 0);
        put_known(out, s.energy, s.energy > 0);
    }
}

/* ---- judges ---- */

const struct origin_journal *review_journal(const struct review *r, const struct review_judge *j)
{
    const char *slash = strrchr(j->path, '/'), *file = slash ? slash + 1 : j->path;
    const size_t n = strlen(file) - strlen(".jsonl");
    for (int i = 0; i < r->calls.n_journals; i++) {
        const char *name = r->calls.journal[i].name;
        if (!strncmp(name, file, n) && !strcmp(name + n, ".journal"))
            return &r->calls.journal[i];
    }
    return NULL;
}

/* What was sent, and how the server named itself: of the journal's first call that says so. */
static const struct origin_call *first_call(const struct review *r, const struct origin_journal *j)
{
    const struct origin_call *found = NULL;
    for (size_t i = 0; i < r->calls.n && j; i++) {
        const struct origin_call *c = &r->calls.call[i];
        if (&r->calls.journal[c->journal] == j && (!found || (!found->server_model && c->server_model)))
            found = c;
    }
    return found;
}

static long stand_ins(const struct review *r, const struct origin_journal *j)
{
    long n = 0;
    for (size_t i = 0; i < r->calls.n && j; i++)
        n += &r->calls.journal[r->calls.call[i].journal] == j && r->calls.call[i].stand_in;
    return n;
}

static const char *fact_of(const struct origin_journal *j, const char *name)
{
    return j ? origin_fact(&j->facts, name) : NULL;
}

void sheet_judges(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "judge", NULL }, { "judged", NULL }, { "repeats", NULL }, { "program", NULL },
                                           { "server_model", "as the server named it" }, { "sent", "parameters" },
                                           { "reference", "references by" }, { "judge_prompts_sha256", "SHA-256 of its prompts" },
                                           { "calls", NULL }, { "tokens_in", "tokens in" }, { "tokens_out", "tokens out" },
                                           { "stand_ins", "by a stand-in" } };
    COLUMNS(out, name);
    sheet_column(out, "cost", "US $", 4, SHEET_ALL);
    for (int i = 0; i < r->n_judges; i++) {
        const struct review_judge *j = &r->judge[i];
        const struct origin_journal *o = review_journal(r, j);
        const struct origin_call *c = first_call(r, o);
        const bool calls = o && o->totals.calls > 0;
        sheet_text(out, j->name);
        sheet_text(out, j->pairs ? "pairs" : "single answers");
        sheet_int(out, j->n_repeats);
        put_fact(out, fact_of(o, "program"));
        put_fact(out, c ? c->server_model : NULL);
        put_fact(out, c ? c->sent : NULL);
        put_fact(out, fact_of(o, "reference"));
        put_fact(out, fact_of(o, "judge_prompts_sha256"));
        put_known(out, calls ? (double)o->totals.calls : 0, calls);
        put_known(out, calls ? (double)o->totals.tokens_in : 0, calls);
        put_known(out, calls ? (double)o->totals.tokens_out : 0, calls);
        put_known(out, (double)stand_ins(r, o), calls);
        put_known(out, calls ? o->totals.cost : 0, calls && o->totals.unpriced < o->totals.calls);
    }
}

/* ---- hashes ---- */

void sheet_files(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "file", NULL }, { "sha256", "SHA-256" }, { "bytes", NULL } };
    COLUMNS(out, name);
    for (int i = 0; i < r->n_files; i++) {
        sheet_text(out, r->file[i].name);
        sheet_text(out, r->file[i].there ? r->file[i].sha256 : "is not there");
        put_known(out, (double)r->file[i].bytes, r->file[i].there);
    }
}

void sheet_model_hashes(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "model", NULL }, { "answers_digest", "digest of the answers" },
                                           { "answer_file_sha256", "SHA-256 of the answer file" }, { "model_sha256", "of the weights" },
                                           { "question_file_sha256", "of the questions that were answered" } };
    COLUMNS(out, name);
    for (int m = 0; m < r->n_models; m++) {
        const struct review_model *v = &r->model[m];
        sheet_text(out, v->name);
        sheet_text(out, v->answered ? v->digest : "no answers here");
        sheet_text(out, v->answered ? v->sha256 : "no answers here");
        put_fact(out, v->origin.kind == ORIGIN_CALLS ? "the server's" : origin_fact(&v->origin.facts, "model_sha256"));
        put_fact(out, origin_fact(&v->origin.facts, "question_file_sha256"));
    }
}

/* ---- failures ---- */

void sheet_answer_gaps(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "model", NULL }, { "question", NULL }, { "choice", NULL }, { "turn", NULL },
                                           { "status", NULL }, { "reason", NULL } };
    COLUMNS(out, name);
    for (int m = 0; m < r->n_models; m++)
        for (int i = 0; i < r->model[m].n_gaps; i++) {
            const struct review_gap *g = &r->model[m].gap[i];
            sheet_text(out, r->model[m].name);
            sheet_int(out, (long)g->question_id);
            sheet_int(out, g->choice);
            sheet_int(out, g->turn);
            sheet_text(out, g->status);
            put_fact(out, g->reason);
        }
}

static const char *name_of(const struct judgment_table *t, int32_t name)
{
    return name < 0 ? "" : t->name[name];
}

/* The worse of a judgment's calls; NULL: not recorded. */
static const struct origin_call *call_of(const struct review *r, const struct review_judge *j, const struct judgment_row *w, int repeat)
{
    const struct judgment_table *t = &j->table;
    struct game_name n = { name_of(t, w->judge), name_of(t, w->prompt), name_of(t, w->model_1), j->pairs ? name_of(t, w->model_2) : NULL,
                           w->question_id, w->turn, 1, repeat };
    const struct origin_call *one = origin_calls_find(&r->calls, &n, j->name);
    if (!j->pairs || (one && !one->ok))
        return one;
    n.game = 2;
    const struct origin_call *two = origin_calls_find(&r->calls, &n, j->name);
    return two ? two : one;
}

/* The judgment's own status is what counts; the journal tells why, and of a failed call what kind of failure it was. */
static void put_failure(struct sheet *out, const struct review *r, const struct review_judge *j, const struct judgment_row *w, int repeat)
{
    const struct origin_call *c = call_of(r, j, w, repeat);
    sheet_text(out, j->name);
    if (j->pairs)
        sheet_printf(out, "%s against %s", name_of(&j->table, w->model_1), name_of(&j->table, w->model_2));
    else
        sheet_text(out, name_of(&j->table, w->model_1));
    sheet_int(out, (long)w->question_id);
    sheet_int(out, w->turn);
    sheet_int(out, repeat);
    sheet_text(out, w->status == JUDGMENT_OK ? "no verdict" : judgment_status_name((enum judgment_status)w->status));
    if (c && !c->ok)
        sheet_printf(out, "%s%s%s", c->status, c->reason ? ": " : "", c->reason ? c->reason : "");
    else if (c)
        sheet_text(out, "the judge replied, and no verdict could be read");
    else
        put_fact(out, w->status == JUDGMENT_NO_ANSWER ? "there was no answer to judge" : NULL);
}

void sheet_failed_judgments(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "judge", NULL }, { "model", NULL }, { "question", NULL }, { "turn", NULL }, { "repeat", NULL },
                                           { "status", NULL }, { "reason", NULL } };
    COLUMNS(out, name);
    for (int i = 0; i < r->n_judges; i++) {
        const struct review_judge *j = &r->judge[i];
        const size_t n = j->pairs ? 0 : j->scores.first[j->scores.n_models];
        for (size_t k = 0; k < n; k++)
            if (j->scores.item[k].status != JUDGMENT_OK)
                put_failure(out, r, j, &j->table.row[j->scores.item[k].order], j->scores.item[k].repeat + 1);
        for (long k = 0; j->pairs && k < j->pairwise.failed; k++)
            put_failure(out, r, j, &j->table.row[j->pairwise.failed_row[k]], 1);
    }
}

/* ---- what the run can tell apart ---- */

int *scores_order(const struct scores *s)
{
    struct score *all = xcalloc((size_t)s->n_models + 1, sizeof *all);
    int *order = xcalloc((size_t)s->n_models + 1, sizeof *order);
    for (int m = 0; m < s->n_models; m++)
        all[m] = score_of(s, m, SCORE_ALL);
    scores_rank(s, all, order);
    free(all);
    return order;
}

static void put_interval(struct sheet *out, const struct estimate *e)
{
    if (isnan(e->low))
        sheet_empty(out);
    else
        sheet_printf(out, "%.2f .. %.2f", e->low, e->high);
    sheet_number(out, e->low);
    sheet_number(out, e->high);
}

static void interval_columns(struct sheet *out)
{
    sheet_column(out, "interval", "95 % interval", 0, SHEET_TEXT);
    sheet_column(out, "low", NULL, 2, SHEET_DATA);
    sheet_column(out, "high", NULL, 2, SHEET_DATA);
}

void sheet_neighbours(struct sheet *out, const struct scores *s)
{
    int *order = scores_order(s);
    sheet_column(out, "a", "A", 0, SHEET_ALL);
    sheet_column(out, "b", "B, the next below", 0, SHEET_ALL);
    sheet_column(out, "difference", "A - B", 2, SHEET_ALL);
    interval_columns(out);
    sheet_column(out, "pairs", NULL, 0, SHEET_ALL);
    sheet_column(out, "smallest_difference", "smallest that counts", 2, SHEET_ALL);
    sheet_column(out, "verdict", NULL, 0, SHEET_ALL);
    for (int i = 0; i + 1 < s->n_models; i++) {
        const struct comparison c = scores_compare(s, order[i], order[i + 1]);
        const bool known = !isnan(c.difference.low);
        sheet_text(out, s->model[order[i]]);
        sheet_text(out, s->model[order[i + 1]]);
        sheet_number(out, c.difference.value);
        put_interval(out, &c.difference);
        sheet_int(out, c.difference.n);
        sheet_number(out, c.smallest);
        sheet_text(out, !known ? "not known" : c.difference.low > 0 || c.difference.high < 0 ? "told apart" : "not told apart");
    }
    free(order);
}

/* ---- judges beside one another ---- */

struct both { struct sample difference; double sx, sy, sxx, syy, sxy; long n, equal, near; };

int review_compare_items(const struct score_item *x, const struct score_item *y)
{
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    return x->turn != y->turn ? x->turn - y->turn : x->repeat - y->repeat;
}

static void add_both(struct both *b, const struct score_item *x, const struct score_item *y)
{
    const double d = x->score - y->score;
    b->n++;
    b->equal += d == 0;
    b->near += fabs(d) <= 1;
    b->sx += x->score, b->sy += y->score;
    b->sxx += x->score * x->score, b->syy += y->score * y->score, b->sxy += x->score * y->score;
}

struct paired { int64_t question; double difference; };

static int by_question(const void *a, const void *b)
{
    const struct paired *x = a, *y = b;
    return (x->question > y->question) - (x->question < y->question);
}

/* A model's items of both judges, in one order: those that both scored are taken. */
static long merge(struct both *b, const struct scores *x, int i, const struct scores *y, int k, struct paired *out)
{
    long n = 0;
    for (size_t p = x->first[i], q = y->first[k]; p < x->first[i + 1] && q < y->first[k + 1];) {
        const int c = review_compare_items(&x->item[p], &y->item[q]);
        if (c == 0 && x->item[p].status == JUDGMENT_OK && y->item[q].status == JUDGMENT_OK) {
            add_both(b, &x->item[p], &y->item[q]);
            out[n++] = (struct paired){ x->item[p].question_id, x->item[p].score - y->item[q].score };
        }
        p += c <= 0;
        q += c >= 0;
    }
    return n;
}

static struct both see_both(const struct scores *x, const struct scores *y)
{
    struct both b = {0};
    struct paired *d = xcalloc(x->first[x->n_models] + 1, sizeof *d);
    long n = 0;
    for (int i = 0; i < x->n_models; i++)
        for (int k = 0; k < y->n_models; k++)
            if (!strcmp(x->model[i], y->model[k]))
                n += merge(&b, x, i, y, k, d + n);
    qsort(d, (size_t)n, sizeof *d, by_question);         /* clusters lie together, over all models */
    for (long i = 0; i < n; i++)
        sample_add(&b.difference, d[i].question, 0, d[i].difference);
    free(d);
    return b;
}

static void put_both(struct sheet *out, const char *a, const char *b, struct both *v)
{
    const double n = (double)v->n, vx = v->sxx - v->sx * v->sx / n, vy = v->syy - v->sy * v->sy / n, cov = v->sxy - v->sx * v->sy / n;
    const double least = 1e-9 * n;       /* what rounding leaves of scores that are all equal is no variance */
    const struct estimate e = estimate_mean(&v->difference);
    sheet_text(out, a);
    sheet_text(out, b);
    sheet_int(out, v->n);
    sheet_number(out, v->n ? (double)v->equal / n : NAN);
    sheet_number(out, v->n ? (double)v->near / n : NAN);
    sheet_number(out, v->n && vx > least && vy > least ? cov / sqrt(vx * vy) : NAN);
    sheet_number(out, e.value);
    put_interval(out, &e);
    sample_free(&v->difference);
}

void sheet_judges_agree(struct sheet *out, const struct review *r)
{
    sheet_column(out, "judge_a", "judge A", 0, SHEET_ALL);
    sheet_column(out, "judge_b", "judge B", 0, SHEET_ALL);
    sheet_column(out, "n", "answers that both scored", 0, SHEET_ALL);
    sheet_column(out, "equal", "equal scores", 3, SHEET_ALL);
    sheet_column(out, "within_one", "within one point", 3, SHEET_ALL);
    sheet_column(out, "correlation", "Pearson's r", 3, SHEET_ALL);
    sheet_column(out, "difference", "A - B", 2, SHEET_ALL);
    interval_columns(out);
    for (int a = 0; a < r->n_single; a++)
        for (int b = a + 1; b < r->n_single; b++) {
            struct both v = see_both(&r->judge[a].scores, &r->judge[b].scores);
            put_both(out, r->judge[a].name, r->judge[b].name, &v);
        }
}

/* ---- what nobody wrote down ---- */

static void list_unknown(struct buf *b, const struct origin *o)
{
    static const struct { const char *fact, *words; } wanted[] = {
        { "program", "the program" }, { "sampler", "the sampler" }, { "seed", "the seed" }, { "template", "the template" },
        { "model_sha256", "the weights' hash" }, { "weights", "their type" }, { "numerics", "the numerics" },
        { "layout", "ranks and devices" }, { "question_file_sha256", "the questions' hash" },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!origin_fact(&o->facts, wanted[i].fact))
            buf_printf(b, "%s%s", b->len ? ", " : "", wanted[i].words);
}

/* What is not known of a model's answers; "" if all is. The caller's. */
static char *unknown_of(const struct origin *o)
{
    struct buf b = {0};
    if (o->kind == ORIGIN_CALLS)
        buf_str(&b, "what the server keeps to itself: weights, template, numerics, seed");
    else
        list_unknown(&b, o);
    if (o->kind == ORIGIN_NONE)
        buf_printf(&b, "%sper turn: the prompt's hash, tokens, times, why it ended", b.len ? "; " : "");
    return buf_steal(&b);
}

/* Folders of others lack the same of all their models: they share a row. */
void sheet_not_recorded(struct sheet *out, const struct review *r)
{
    static const char *const name[][2] = { { "not_recorded", "not recorded" }, { "models", NULL } };
    char **what = xcalloc((size_t)r->n_models + 1, sizeof *what);
    COLUMNS(out, name);
    for (int m = 0; m < r->n_models; m++)
        what[m] = unknown_of(&r->model[m].origin);
    for (int m = 0; m < r->n_models; m++) {
        struct buf models = {0};
        bool first = *what[m] != '\0';
        for (int k = 0; k < m; k++)
            first &= strcmp(what[k], what[m]) != 0;
        for (int k = m; k < r->n_models && first; k++)
            if (!strcmp(what[k], what[m]))
                buf_printf(&models, "%s%s", models.len ? ", " : "", r->model[k].name);
        if (first) {
            sheet_text(out, what[m]);
            sheet_text(out, models.data);
        }
        buf_free(&models);
    }
    for (int m = 0; m < r->n_models; m++)
        free(what[m]);
    free(what);
}
