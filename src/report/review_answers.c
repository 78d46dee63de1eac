/* review_answers.c - which turns of a model's answer file are answers, and which are not. */
#include "review_answers.h"

#include "mtbench/answer.h"
#include "mtbench/answer_set.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"
#include "mtbench/paths.h"

#include <stdlib.h>
#include <string.h>

struct answers {
    struct review_model *m;
    const struct questions *questions;   /* NULL: not known */
    bool sliced;                         /* and of these only some */
    struct digest *digest;
    struct buf text;
};

static void add_gap(struct answers *a, int64_t question_id, int choice, int turn, bool said)
{
    struct review_model *m = a->m;
    const struct origin_turn *o = origin_find(&m->origin, question_id, choice, turn);
    if ((m->n_gaps & (m->n_gaps - 1)) == 0)
        m->gap = xrealloc(m->gap, m->n_gaps ? 2 * (size_t)m->n_gaps : 1, sizeof *m->gap);
    m->gap[m->n_gaps++] = (struct review_gap){
        question_id, choice, turn, o && !o->ok ? o->status : said ? "failed" : "missing", o && o->reason ? xstrdup(o->reason) : NULL,
    };
}

static void see_turn(struct answers *a, int64_t question_id, int choice, int turn, const char *text)
{
    const struct origin_turn *o = origin_find(&a->m->origin, question_id, choice, turn);
    if (!text || answer_is_failure(text)) {
        add_gap(a, question_id, choice, turn, text != NULL);
        return;
    }
    buf_clear(&a->text);
    nul_read(&a->text, text, strlen(text));
    digest_turn(a->digest, question_id, choice, turn, a->text.data ? a->text.data : "", a->text.len);
    a->m->turns++;
    a->m->empty += a->text.len == 0;
    a->m->cut += o && o->cut;
}

/* A question's choices, turn by turn: as many as the question has, and what is there beyond. */
static void see_answer(struct answers *a, int64_t question_id, const cJSON *choices, int n_turns)
{
    const int n_choices = cJSON_GetArraySize(choices), n = n_choices > 0 ? n_choices : 1;
    a->m->choices = n_choices > a->m->choices ? n_choices : a->m->choices;
    for (int c = 0; c < n; c++) {
        const cJSON *turns = json_get(cJSON_GetArrayItem(choices, c), "turns");
        const int there = cJSON_GetArraySize(turns), most = there > n_turns ? there : n_turns;
        a->m->beyond += n_turns && there > n_turns ? there - n_turns : 0;
        for (int t = 0; t < most; t++)
            see_turn(a, question_id, c, t + 1, cJSON_GetStringValue(cJSON_GetArrayItem(turns, t)));
    }
}

struct line { int64_t id; struct slice text; long number; };

static int by_id(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->number < y->number ? -1 : 1;
}

/* The last line of each question, by id. -1: err (format). */
static int sort_lines(const struct buf *b, struct line **out, int *n, struct err *err)
{
    struct lines lines;
    struct slice text;
    int rc = 0, cap = 0;
    *out = NULL;
    *n = 0;
    lines_begin(&lines, b->data, b->len);
    while (rc == 0 && lines_next(&lines, &text)) {
        cJSON *j = json_parse_python(text.ptr, text.len, err);
        struct line l = { 0, text, lines.number };
        if (!j && lines.torn)            /* its writer died in it */
            break;
        if (!j || !json_whole(json_get(j, "question_id"), &l.id))
            rc = j ? err_set(err, ERR_FORMAT, "no whole number \"question_id\"; is this an answer file?") : -1;
        if (*n == cap)
            *out = xrealloc(*out, (size_t)(cap = cap ? 2 * cap : 128), sizeof **out);
        (*out)[(*n)++] = l;
        cJSON_Delete(j);
    }
    if (rc < 0)
        return err_wrap(err, "line %ld", lines.number);
    if (*n)
        qsort(*out, (size_t)*n, sizeof **out, by_id);
    int kept = 0;
    for (int i = 0; i < *n; i++)
        if (i + 1 == *n || (*out)[i + 1].id != (*out)[i].id)
            (*out)[kept++] = (*out)[i];
    *n = kept;
    return 0;
}

static int by_question_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Questions and answers are walked together in the order of ids: what one of them lacks is told. */
static void walk(struct answers *a, const struct line *line, int n)
{
    const struct questions *qs = a->questions;
    const int n_questions = qs ? qs->n : 0;
    int64_t *id = xcalloc((size_t)n_questions + 1, sizeof *id);
    int at = 0;
    for (int i = 0; i < n_questions; i++)
        id[i] = qs->q[i].id;
    qsort(id, (size_t)n_questions, sizeof *id, by_question_id);
    for (int i = 0; i < n || at < n_questions;) {
        const bool asked = at < n_questions && (i == n || id[at] <= line[i].id);
        const bool answered = i < n && (!asked || line[i].id == id[at]);
        const int turns = asked ? qs->q[questions_find(qs, id[at])].n_turns : 0;
        cJSON *j = answered ? json_parse_python(line[i].text.ptr, line[i].text.len, NULL) : NULL;
        if (asked || !qs)
            see_answer(a, asked ? id[at] : line[i].id, json_get(j, "choices"), turns);
        else
            a->m->elsewhere += !a->sliced;
        cJSON_Delete(j);
        at += asked;
        i += answered;
    }
    free(id);
}

int review_answers(struct review_model *m, const struct review_opts *o, const struct questions *questions, struct err *err)
{
    char *folder = bench_answers_folder(o->data_dir, o->bench), *path = bench_answers_file(folder, m->name);
    struct answers a = { .m = m, .questions = questions, .sliced = o->sliced };
    struct buf b = {0};
    struct line *line = NULL;
    int n = 0, rc = io_exists(path, err);
    origin_read(&m->origin, path);
    if (rc > 0 && (rc = io_read(path, &b, err)) == 0 && (rc = sort_lines(&b, &line, &n, err)) < 0)
        err_wrap(err, "%s", path);
    if (rc == 0 && b.data) {
        m->answered = true;
        sha256_hex(b.data, b.len, m->sha256);
        a.digest = digest_begin();
        walk(&a, line, n);
        digest_end(a.digest, m->digest);
    }
    free(line);
    buf_free(&a.text);
    buf_free(&b);
    free(path);
    free(folder);
    return rc;
}
