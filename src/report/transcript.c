/* transcript.c - one question as people read it. */
#include "mtbench/transcript.h"

#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The judgments of the question, parsed whole: of one question there are few. */
struct found { cJSON **record; int n; };

static void found_free(struct found *f)
{
    for (int i = 0; i < f->n; i++)
        cJSON_Delete(f->record[i]);
    free(f->record);
}

/* 1: the line is a judgment of the question, which alone is worth a tree; 0: of another one; -1: err. */
static int is_about(struct slice line, int64_t question, struct err *err)
{
    struct json_member id = { .name = "question_id" };
    int64_t v;
    if (json_scan_members(line.ptr, line.len, &id, 1, err) < 0)
        return -1;
    return json_member_whole(id.value, &v) && v == question;
}

static int read_file(struct found *f, const char *path, int64_t question, struct err *err)
{
    struct slice line;
    int rc = io_exists(path, err);
    if (rc <= 0)                         /* no pair file, or no single one: the other will do */
        return rc;
    struct lines_file *in = lines_open(path, err);
    if (!in)
        return -1;
    while ((rc = lines_read(in, &line, err)) == 1) {
        int about = is_about(line, question, err);
        /* A score of NaN is what pandas writes and `show` reads. */
        cJSON *j = about > 0 ? json_parse_python(line.ptr, line.len, err) : NULL;
        if (about < 0 || (about && !j)) {
            rc = err_wrap(err, "%s:%ld", path, lines_number(in));
            break;
        }
        if (j) {
            f->record = xrealloc(f->record, (size_t)f->n + 1, sizeof *f->record);
            f->record[f->n++] = j;
        }
    }
    lines_close(in);
    return rc;
}

static const char *text_of(const cJSON *j, const char *key) /* never NULL: a record that lacks a member still has the others to show */
{
    const cJSON *v = json_get(j, key);
    return cJSON_IsString(v) ? v->valuestring : "";
}

static const char *judge_of(const cJSON *j)
{
    const cJSON *judge = json_get(j, "judge");
    const cJSON *name = cJSON_IsArray(judge) ? cJSON_GetArrayItem(judge, 0) : judge; /* older records have a plain name */
    return cJSON_IsString(name) ? name->valuestring : "a judge without a name";
}

/* A record without a turn is of the first, as in judgment_table.c, unless its prompt is for two. */
static int turn_of(const cJSON *j)
{
    int64_t turn;
    const cJSON *judge = json_get(j, "judge"), *prompt = cJSON_IsArray(judge) ? cJSON_GetArrayItem(judge, 1) : NULL;
    if (json_whole(json_get(j, "turn"), &turn))
        return (int)turn;
    return cJSON_IsString(prompt) && strstr(prompt->valuestring, "multi-turn") ? 2 : 1;
}

/* ---- writing ---- */

static bool shows(const struct transcript *t, const char *model)
{
    for (int i = 0; i < t->n_models; i++)
        if (!strcmp(t->model[i], model))
            return true;
    return t->n_models == 0;             /* nobody was named: all */
}

static void put_block(struct buf *out, const char *text) /* an empty text is said to be one, or a turn would seem to be missing */
{
    size_t n = strlen(text);
    buf_printf(out, "%s%s\n", n ? text : "(empty)", n && text[n - 1] == '\n' ? "" : "\n");
}

static void put_single(struct buf *out, const cJSON *j)
{
    const cJSON *score = json_get(j, "score");
    buf_printf(out, "== turn %d, %s, judged by %s: ", turn_of(j), text_of(j, "model"), judge_of(j));
    if (cJSON_IsNumber(score) && score->valuedouble != -1) /* -1 and null are no scores */
        buf_printf(out, "%g\n", score->valuedouble);
    else
        buf_str(out, "no score\n");
    put_block(out, text_of(j, "judgment"));
}

/* By name: "model_1" means nothing to a reader, and in game 2 it is the one shown second. */
static const char *winner(const cJSON *j, const char *key)
{
    const char *w = text_of(j, key);
    return !strcmp(w, "model_1")   ? text_of(j, "model_1")
           : !strcmp(w, "model_2") ? text_of(j, "model_2")
           : !strcmp(w, "tie")     ? "a tie"
                                   : "no verdict";
}

static void put_pair(struct buf *out, const cJSON *j) /* as the judge saw them: the second game with the answers exchanged */
{
    const char *a = text_of(j, "model_1"), *b = text_of(j, "model_2");
    buf_printf(out, "== turn %d, %s as A, %s as B, judged by %s: %s\n", turn_of(j), a, b, judge_of(j), winner(j, "g1_winner"));
    put_block(out, text_of(j, "g1_judgment"));
    buf_printf(out, "== turn %d, %s as A, %s as B, judged by %s: %s\n", turn_of(j), b, a, judge_of(j), winner(j, "g2_winner"));
    put_block(out, text_of(j, "g2_judgment"));
}

/* With a model its single judgments, without one the pairs; of every judge and repeat that the files hold, in
 * their order. */
static void put_judgments(struct buf *out, const struct transcript *t, const struct found *f, int turn, const char *model)
{
    for (int i = 0; i < f->n; i++) {
        const cJSON *j = f->record[i];
        bool pair = json_get(j, "model_1") != NULL;
        if (turn_of(j) != turn)
            continue;
        if (model && !pair && !strcmp(text_of(j, "model"), model))
            put_single(out, j);
        else if (!model && pair && (shows(t, text_of(j, "model_1")) || shows(t, text_of(j, "model_2"))))
            put_pair(out, j);
    }
}

static bool has_answers(const struct transcript *t, const char *model)
{
    const struct model_answers *m = answer_set_model(t->answers, model);
    return m && answer_set_find(m, t->question->id);
}

/* Single judgments of models whose answers are not here. */
static void put_orphans(struct buf *out, const struct transcript *t, const struct found *f, int turn)
{
    for (int i = 0; i < f->n; i++) {
        const char *model = text_of(f->record[i], "model");
        if (*model && turn_of(f->record[i]) == turn && shows(t, model) && !has_answers(t, model))
            put_single(out, f->record[i]);
    }
}

static void put_turn(struct buf *out, const struct transcript *t, const struct found *f, int turn)
{
    const struct question *q = t->question;
    buf_printf(out, "== turn %d, the question\n", turn);
    put_block(out, q->turn[turn - 1]);
    if (turn <= q->n_reference) {        /* the question file's, as FastChat's browser shows it */
        buf_printf(out, "== turn %d, the reference\n", turn);
        put_block(out, q->reference[turn - 1]);
    }
    for (int m = 0; m < t->answers->n; m++) {
        const char *model = t->answers->model[m].model;
        const struct model_answer *a = answer_set_find(&t->answers->model[m], q->id);
        if (!shows(t, model) || !a || turn > a->n_turns)
            continue;
        buf_printf(out, "== turn %d, %s\n", turn, model);
        put_block(out, a->turn[turn - 1]);
        put_judgments(out, t, f, turn, model); /* each single judgment stands behind the answer that it judges */
    }
    put_orphans(out, t, f, turn);
    put_judgments(out, t, f, turn, NULL); /* pairs, behind the answers of both */
}

int transcript_put(struct buf *out, const struct transcript *t, struct err *err)
{
    const struct question *q = t->question;
    struct found f = {0};
    int rc = 0;
    for (int i = 0; i < t->n_files && rc == 0; i++) /* files first: a broken one ends this before half a text is out */
        rc = read_file(&f, t->judgments[i], q->id, err);
    if (rc == 0) {
        buf_printf(out, "question %" PRId64 ", %s, %d turn%s\n\n", q->id, q->category, q->n_turns, q->n_turns == 1 ? "" : "s");
        for (int turn = 1; turn <= q->n_turns; turn++)
            put_turn(out, t, &f, turn);
    }
    found_free(&f);
    return rc;
}
