/* journal.c - the append-only record of finished turns. */
#include "mtbench/journal.h"

#include "ledger.h"

#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_name[] = { "ok", "failed", "too_long" };

struct entry {
    struct turn_record record;
    cJSON *keep;
};

struct journal {
    char *path;
    struct ledger *ledger;
    struct buf manifest;                 /* the first line; empty in a new journal */
    struct entry *entry;                 /* in file order */
    int n;
};

char *journal_path(const char *answer_file)
{
    return bench_beside(answer_file, ".journal");
}

/* ---- records ---- */

/* The sampler computes in float. */
static void put_float(struct buf *b, const char *name, double value)
{
    buf_printf(b, ", \"%s\": ", name);
    json_put_float(b, (float)value);
}

void turn_put(struct buf *b, const struct turn_record *t)
{
    buf_printf(b, "{\"question_id\": %lld, \"choice\": %d, \"turn\": %d", (long long)t->question_id, t->choice, t->turn);
    json_put_text_member(b, "status", status_name[t->status]);
    json_put_text_member(b, "reason", t->reason);
    json_put_text_member(b, "text", t->text);
    json_put_text_member(b, "finish", t->finish);
    json_put_text_member(b, "question_sha256", t->question_sha256);
    json_put_text_member(b, "prompt_sha256", t->prompt_sha256);
    buf_printf(b, ", \"n_prompt\": %d, \"n_new\": %d, \"n_reused\": %d", t->n_prompt, t->n_new, t->n_reused);
    put_float(b, "temperature", t->temperature);
    buf_printf(b, ", \"top_k\": %d", t->top_k);
    put_float(b, "top_p", t->top_p);
    put_float(b, "min_p", t->min_p);
    put_float(b, "repetition_penalty", t->repetition_penalty);
    json_put_number_member(b, "seconds", t->seconds);
    json_put_number_member(b, "tstamp", t->tstamp);
    buf_printf(b, ", \"rank\": %d}", t->rank);
}

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

static double number_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsNumber(s) ? s->valuedouble : 0;
}

static int int_of(const cJSON *j, const char *name)
{
    double x = number_of(j, name);
    return x > -2147483648.0 && x < 2147483648.0 ? (int)x : 0;
}

static int read_status(const cJSON *j, struct turn_record *t, struct err *err)
{
    const char *s = text_of(j, "status");
    for (size_t i = 0; s && i < sizeof status_name / sizeof *status_name; i++) {
        if (!strcmp(s, status_name[i])) {
            t->status = (enum turn_status)i;
            return 0;
        }
    }
    return err_set(err, ERR_FORMAT, "no turn record: its status is %s", s ? s : "missing");
}

int turn_parse(const char *line, size_t n, struct turn_record *t, cJSON **keep, struct err *err)
{
    cJSON *j = *keep = json_parse(line, n, err);
    *t = (struct turn_record){0};
    if (!j)
        return -1;
    if (!cJSON_IsNumber(json_get(j, "question_id")) || int_of(j, "turn") < 1 || !text_of(j, "text")) {
        err_set(err, ERR_FORMAT, "no turn record: question_id, turn or text is missing");
        goto error;
    }
    if (read_status(j, t, err) < 0)
        goto error;
    double id = number_of(j, "question_id");
    if (!(fabs(id) <= 9007199254740991.0) || id != floor(id)) {
        err_set(err, ERR_FORMAT, "no turn record: question_id %g is impossible", id);
        goto error;
    }
    t->question_id = (int64_t)id;
    t->choice = int_of(j, "choice");
    t->turn = int_of(j, "turn");
    t->reason = text_of(j, "reason");
    t->text = text_of(j, "text");
    t->finish = text_of(j, "finish");
    const char *question = text_of(j, "question_sha256"), *prompt = text_of(j, "prompt_sha256");
    snprintf(t->question_sha256, sizeof t->question_sha256, "%s", question ? question : "");
    snprintf(t->prompt_sha256, sizeof t->prompt_sha256, "%s", prompt ? prompt : "");
    t->n_prompt = int_of(j, "n_prompt");
    t->n_new = int_of(j, "n_new");
    t->n_reused = int_of(j, "n_reused");
    t->temperature = number_of(j, "temperature");
    t->top_k = int_of(j, "top_k");
    t->top_p = number_of(j, "top_p");
    t->min_p = number_of(j, "min_p");
    t->repetition_penalty = number_of(j, "repetition_penalty");
    t->seconds = number_of(j, "seconds");
    t->tstamp = number_of(j, "tstamp");
    t->rank = int_of(j, "rank");
    return 0;
error:
    cJSON_Delete(j);
    *keep = NULL;
    return -1;
}

/* ---- the file ---- */

static void take(struct journal *j, const struct turn_record *t, cJSON *keep)
{
    j->entry = xrealloc(j->entry, (size_t)j->n + 1, sizeof *j->entry);
    j->entry[j->n++] = (struct entry){ *t, keep };
}

static int check_manifest(const struct journal *j, const struct manifest *m, struct err *err)
{
    cJSON *stored = json_parse(j->manifest.data, j->manifest.len, err);
    if (!stored)
        return -1;
    int rc = manifest_compare(m, stored, err);
    cJSON_Delete(stored);
    return rc;
}

struct replay {
    struct journal *j;
    const struct manifest *m;            /* NULL: not compared */
};

static int replay_line(void *ctx, int number, const char *line, size_t n, struct err *err)
{
    struct replay *r = ctx;
    struct turn_record t;
    cJSON *keep;
    if (number == 1) {
        buf_add(&r->j->manifest, line, n);
        buf_reserve(&r->j->manifest, 1)[0] = '\0';
        return r->m ? check_manifest(r->j, r->m, err) : 0;
    }
    if (turn_parse(line, n, &t, &keep, err) < 0)
        return -1;
    take(r->j, &t, keep);
    return 0;
}

struct journal *journal_open(const char *path, const struct manifest *m, struct err *err)
{
    struct journal *j = xcalloc(1, sizeof *j);
    struct replay r = { j, m };
    j->path = xstrdup(path);
    j->ledger = ledger_open(&(struct ledger_opts){ .path = path, .replay = replay_line, .ctx = &r,
        .busy = "writing these answers; wait for it, or use another --model-id or --answer-file" }, err);
    if (!j->ledger)
        goto error;
    return j;
error:
    journal_close(j);
    return NULL;
}

struct journal *journal_peek(const char *path, const struct manifest *m, struct err *err)
{
    struct journal *j = xcalloc(1, sizeof *j);
    struct replay r = { j, m };
    j->path = xstrdup(path ? path : "");
    if (!path || ledger_peek(&(struct ledger_opts){ .path = path, .replay = replay_line, .ctx = &r }, err) == 0)
        return j;
    journal_close(j);
    return NULL;
}

int journal_begin(struct journal *j, const struct manifest *m, struct err *err)
{
    if (j->manifest.len)
        return check_manifest(j, m, err) < 0 ? err_wrap(err, "%s", j->path) : 0;
    manifest_put(&j->manifest, m);
    ledger_add(j->ledger, j->manifest.data, j->manifest.len);
    return ledger_sync(j->ledger, err);
}

const char *journal_manifest(const struct journal *j)
{
    return j->manifest.len ? j->manifest.data : NULL;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    for (int i = 0; i < j->n; i++)
        cJSON_Delete(j->entry[i].keep);
    ledger_close(j->ledger);
    buf_free(&j->manifest);
    free(j->path);
    free(j->entry);
    free(j);
}

const struct turn_record *journal_find(const struct journal *j, int64_t question_id, int choice, int turn)
{
    for (int i = j->n - 1; i >= 0; i--) {
        const struct turn_record *t = &j->entry[i].record;
        if (t->status == TURN_OK && t->question_id == question_id && t->choice == choice && t->turn == turn)
            return t;
    }
    return NULL;
}

int journal_count(const struct journal *j, int64_t question_id, const char *question_sha256, int choice, int n_turns, struct err *err)
{
    const struct turn_record *t;
    int n = 0;
    for (; n < n_turns && (t = journal_find(j, question_id, choice, n + 1)); n++)
        if (strcmp(t->question_sha256, question_sha256))
            return err_set(err, ERR_USAGE, "%s: question %lld was answered when its line read otherwise; use another --model-id, or --fresh to answer again",
                           j->path, (long long)question_id);
    return n;
}

static int by_start(const void *a, const void *b)
{
    const struct turn_record *x = *(struct turn_record *const *)a, *y = *(struct turn_record *const *)b;
    double s = x->tstamp - x->seconds, t = y->tstamp - y->seconds;
    return (s > t) - (s < t);
}

double journal_rate(const struct journal *j)
{
    struct turn_record **turn = xcalloc((size_t)j->n, sizeof *turn);
    double tokens = 0, busy = 0, end = -INFINITY;
    for (int i = 0; i < j->n; i++)
        turn[i] = &j->entry[i].record;
    qsort(turn, (size_t)j->n, sizeof *turn, by_start);
    for (int i = 0; i < j->n; i++) {
        double start = fmax(turn[i]->tstamp - turn[i]->seconds, end);
        end = fmax(end, turn[i]->tstamp);
        busy += fmax(end - start, 0);
        tokens += turn[i]->n_new;
    }
    free(turn);
    return busy > 0 ? tokens / busy : 0;
}

void journal_append(struct journal *j, const struct turn_record *t)
{
    struct buf line = {0};
    struct turn_record copy;
    cJSON *keep;
    turn_put(&line, t);
    if (turn_parse(line.data, line.len, &copy, &keep, NULL) == 0)
        take(j, &copy, keep);
    ledger_add(j->ledger, line.data, line.len);
    buf_free(&line);
}

int journal_sync(struct journal *j, struct err *err)
{
    return ledger_sync(j->ledger, err);
}
