/* journal.c - the append-only record of finished turns. */
#include "mtbench/journal.h"

#include "records.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json_scan.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_name[] = { "ok", "failed", "too_long" };

char *journal_path(const char *answer_file)
{
    return bench_beside(answer_file, ".journal");
}

/* ---- records ---- */

/* The sampler computes in float. */
static void put_float(struct buf *b, const char *name, double value)
{
    buf_printf(b, ", \"%s\": ", name);
    /* 0.7 and not 0.69999998807907104: what the sampler computed with, in its own precision */
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
    buf_printf(b, ", \"rank\": %d", t->rank);
    if (t->energy_j > 0)                 /* what was not measured has no number, least of all 0 */
        json_put_number_member(b, "energy_j", t->energy_j);
    buf_char(b, '}');
}

enum field {
    F_QUESTION_ID,
    F_CHOICE,
    F_TURN,
    F_STATUS,
    F_REASON,
    F_TEXT,
    F_FINISH,
    F_QUESTION_SHA256,
    F_PROMPT_SHA256,
    F_N_PROMPT,
    F_N_NEW,
    F_N_REUSED,
    F_TEMPERATURE,
    F_TOP_K,
    F_TOP_P,
    F_MIN_P,
    F_PENALTY,
    F_SECONDS,
    F_TSTAMP,
    F_RANK,
    F_ENERGY,
    N_FIELDS
};
static const char *const field_name[N_FIELDS] = {
    "question_id",        "choice",   "turn",   "status",   "reason",      "text",  "finish", "question_sha256",
    "prompt_sha256",      "n_prompt", "n_new",  "n_reused", "temperature", "top_k", "top_p",  "min_p",
    "repetition_penalty", "seconds",  "tstamp", "rank",
    "energy_j"};

static double number_of(const struct json_member *m)
{
    return records_number(m->value, 0);
}

static int int_of(const struct json_member *m)
{
    double x = number_of(m);
    return x > -2147483648.0 && x < 2147483648.0 ? (int)x : 0;
}

static void copy_hash(const struct json_member *m, char hex[65])
{
    struct json_text text;
    if (json_member_string(m->value, &text) && text.len < 65 && !text.escaped) /* one of another form is no hash, and equals none */
        memcpy(hex, text.ptr, text.len);
}

static int read_status(const struct json_member *m, enum turn_status *status, struct err *err)
{
    struct slice v = m->value.ptr ? m->value : (struct slice){ "missing", 7 };
    int i = records_word(m->value, status_name, sizeof status_name / sizeof *status_name);
    if (i < 0)
        return err_set(err, ERR_FORMAT, "no turn record: its status is %.*s", (int)(v.len < 40 ? v.len : 40), v.ptr);
    *status = (enum turn_status)i;
    return 0;
}

static int check_fields(const struct json_member *m, struct turn_record *t, struct err *err)
{
    struct json_text text;
    /* Only what a record cannot do without; journals of other versions may lack the rest. */
    if (!m[F_QUESTION_ID].value.ptr || int_of(&m[F_TURN]) < 1 || !json_member_string(m[F_TEXT].value, &text))
        return err_set(err, ERR_FORMAT, "no turn record: question_id, turn or text is missing");
    if (!json_member_whole(m[F_QUESTION_ID].value, &t->question_id))
        return err_set(err, ERR_FORMAT, "no turn record: its question_id is no whole number");
    return read_status(&m[F_STATUS], &t->status, err);
}

struct turn_record *turn_parse(const char *line, size_t n, struct err *err)
{
    struct json_member m[N_FIELDS];
    struct turn_record t = {0};
    /* All fields in one pass; unknown ones are passed over, so that a later version may add some. */
    for (int f = 0; f < N_FIELDS; f++)
        m[f].name = field_name[f];
    if (json_scan_members(line, n, m, N_FIELDS, err) < 0 || check_fields(m, &t, err) < 0)
        return NULL;
    t.choice = int_of(&m[F_CHOICE]);     /* absent ones are 0 */
    t.turn = int_of(&m[F_TURN]);
    copy_hash(&m[F_QUESTION_SHA256], t.question_sha256);
    copy_hash(&m[F_PROMPT_SHA256], t.prompt_sha256);
    t.n_prompt = int_of(&m[F_N_PROMPT]);
    t.n_new = int_of(&m[F_N_NEW]);
    t.n_reused = int_of(&m[F_N_REUSED]);
    t.temperature = number_of(&m[F_TEMPERATURE]);
    t.top_k = int_of(&m[F_TOP_K]);
    t.top_p = number_of(&m[F_TOP_P]);
    t.min_p = number_of(&m[F_MIN_P]);
    t.repetition_penalty = number_of(&m[F_PENALTY]);
    t.seconds = number_of(&m[F_SECONDS]);
    t.tstamp = number_of(&m[F_TSTAMP]);
    t.rank = int_of(&m[F_RANK]);
    t.energy_j = number_of(&m[F_ENERGY]);
    const struct records_text text[] = {
        { m[F_TEXT].value, offsetof(struct turn_record, text), false }, { m[F_REASON].value, offsetof(struct turn_record, reason), false },
        { m[F_FINISH].value, offsetof(struct turn_record, finish), false },
    };
    return records_block(&t, sizeof t, text, 3, err);
}

/* ---- the file ---- */

/* What names a turn, as bytes without gaps between them. */
struct key {
    int64_t question_id;
    int32_t choice, turn;
};

static void *parse(const char *line, size_t n, struct err *err)
{
    return turn_parse(line, n, err);
}

/* Only a turn that is ok is the last word on it: one that failed is to be made again. */
static size_t key_of(const void *record, char *key)
{
    const struct turn_record *t = record;
    /* no padding between them, or equal keys would differ in bytes nobody set */
    const struct key k = { t->question_id, t->choice, t->turn };
    memcpy(key, &k, sizeof k);
    return t->status == TURN_OK ? sizeof k : 0;
}

static const struct records_kind turns = {
    .name = "turns",
    .busy = "writing these answers; wait for it, or use another --model-id or --answer-file",
    .parse = parse,
    .key = key_of,
};

struct journal {
    struct records *records;
};

static struct journal *journal_of(struct records *r)
{
    if (!r)
        return NULL;
    struct journal *j = xcalloc(1, sizeof *j);
    j->records = r;
    return j;
}

struct journal *journal_open(const char *path, const struct manifest *m, struct err *err)
{
    return journal_open_fast(path, NULL, m, err);
}

struct journal *journal_open_fast(const char *path, const char *fast, const struct manifest *m, struct err *err)
{
    return journal_of(records_open(&turns, NULL, path, fast, m, err));
}

char *journal_fast_path(const char *scratch, const char *path, struct err *err)
{
    char *own = io_own_folder(scratch, err);
    if (!own)
        return NULL;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char *folder = slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("./"), hex[65];
    /* The folder is made before it is resolved, or a first start would name it otherwise than the second one. */
    char *real = io_make_parents(path, NULL) == 0 ? realpath(folder, NULL) : NULL, *name = xasprintf("%s/%s", real ? real : folder, base);
    sha256_hex(name, strlen(name), hex);
    char *fast = xasprintf("%s/journals/%.16s-%s", own, hex, base);
    free(own);
    free(folder);
    free(real);
    free(name);
    return fast;
}

struct journal *journal_peek(const char *path, const struct manifest *m, struct err *err)
{
    return journal_of(records_peek(&turns, NULL, path, m, err));
}

int journal_begin(struct journal *j, const struct manifest *m, struct err *err)
{
    return records_begin(j->records, m, err);
}

const char *journal_manifest(const struct journal *j)
{
    return records_head(j->records);
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    records_close(j->records);
    free(j);
}

static size_t find(const struct journal *j, int64_t question_id, int choice, int turn)
{
    const struct key k = { question_id, choice, turn };
    return records_find(j->records, (const char *)&k, sizeof k);
}

const struct turn_record *journal_find(const struct journal *j, int64_t question_id, int choice, int turn)
{
    size_t i = find(j, question_id, choice, turn);
    return i == MAP_NONE ? NULL : records_get(j->records, i);
}

bool journal_text(const struct journal *j, int64_t question_id, int choice, int turn, struct buf *json, double *tstamp)
{
    struct json_member m[] = { { "text", {0} }, { "tstamp", {0} } };
    size_t i = find(j, question_id, choice, turn);
    if (i == MAP_NONE)
        return false;
    struct slice line = records_line(j->records, i);
    json_scan_members(line.ptr, line.len, m, 2, NULL); /* it parsed when it came in: both are there and are what they are called */
    buf_add(json, m[0].value.ptr, m[0].value.len);
    *tstamp = records_number(m[1].value, 0);
    return true;
}

size_t journal_records(const struct journal *j)
{
    return records_count(j->records);
}

struct each {
    int (*see)(void *ctx, const struct turn_record *t, bool counts);
    void *ctx;
};

static int see_turn(void *ctx, const void *record, bool counts)
{
    const struct each *e = ctx;
    return e->see(e->ctx, record, counts);
}

int journal_each(const struct journal *j, int (*see)(void *ctx, const struct turn_record *t, bool counts), void *ctx)
{
    return records_each(j->records, see_turn, &(struct each){ see, ctx });
}

int journal_count(const struct journal *j, int64_t question_id, const char *question_sha256, int choice, int n_turns, struct err *err)
{
    const struct turn_record *t;
    /* From the first turn on, without a gap: a later turn was answered with the earlier ones in its prompt. */
    int n = 0;
    for (; n < n_turns && (t = journal_find(j, question_id, choice, n + 1)); n++)
        if (strcmp(t->question_sha256, question_sha256))
            return err_set(
                err, ERR_USAGE,
                "%s: question %lld was answered when its line read otherwise; use another --model-id, or --fresh to answer again",
                records_path(j->records), (long long)question_id);
    return n;
}

struct span {
    double start, end;
    int tokens;
};

static int by_start(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static int add_span(void *ctx, const struct turn_record *t, bool counts)
{
    struct span **next = ctx;
    (void)counts;                        /* a turn that was made again took its time too */
    *(*next)++ = (struct span){ t->tstamp - t->seconds, t->tstamp, t->n_new };
    return 0;
}

double journal_rate(const struct journal *j)
{
    /* Turns overlap, within a rank and between ranks: what counts is the union of their spans. */
    size_t n = journal_records(j);
    struct span *turn = xcalloc(n, sizeof *turn), *next = turn;
    double tokens = 0, busy = 0, end = -INFINITY;
    journal_each(j, add_span, &next);
    qsort(turn, n, sizeof *turn, by_start);
    for (size_t i = 0; i < n; i++) {
        double start = fmax(turn[i].start, end); /* what was counted already is not counted again: turns overlap */
        end = fmax(end, turn[i].end);
        busy += fmax(end - start, 0);
        tokens += turn[i].tokens;
    }
    free(turn);
    return busy > 0 ? tokens / busy : 0;
}

const struct turn_record *journal_append_line(struct journal *j, const char *line, size_t n, struct err *err)
{
    return records_add(j->records, line, n, err);
}

void journal_append(struct journal *j, const struct turn_record *t)
{
    struct buf line = {0};
    turn_put(&line, t);
    journal_append_line(j, line.data, line.len, NULL);
    buf_free(&line);
}

int journal_flush(struct journal *j, struct err *err)
{
    return records_flush(j->records, err);
}

int journal_sync(struct journal *j, struct err *err)
{
    return records_sync(j->records, err);
}
