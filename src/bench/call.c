/* call.c - calls, what came of them, and the journal that lets none be paid for twice. */
#include "mtbench/call.h"

#include "records.h"

#include "mtbench/hash.h"
#include "mtbench/json_scan.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* In the order of enum call_status. */
static const char *const status_name[] = { "ok", "truncated", "filtered", "refused", "too_long", "failed" };

const char *call_status_name(enum call_status s)
{
    return status_name[s];
}

struct call call_copy(const struct call *c)
{
    struct call copy = *c;               /* numbers; the texts are replaced by copies */
    struct call_message *m = xcalloc((size_t)c->n_messages, sizeof *m);
    /* Deep: the grader's prompt buffers are filled anew while the call is on its way. */
    for (int i = 0; i < c->n_messages; i++)
        m[i] = (struct call_message){ xstrdup(c->message[i].role), xstrdup(c->message[i].content) };
    copy.key = xstrdup(c->key);
    copy.message = m;
    return copy;
}

void call_copy_free(struct call *c)
{
    for (int i = 0; i < c->n_messages; i++) {
        free((void *)c->message[i].role);
        free((void *)c->message[i].content);
    }
    free((void *)c->message);
    free((void *)c->key);
    *c = (struct call){0};
}

bool call_key_ok(const char *key)
{
    static const char fine[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t n = strspn(key, fine);
    return n >= 1 && n <= CALL_KEY_MAX && !key[n]; /* it is a batch file's custom_id as well, which allows no others */
}

/* Strings go in with their NUL, so that moving a letter from one to the next is a change. */
uint64_t call_content(const struct call *c)
{
    /* Whatever changes the reply goes in; what does not (key, cut_is_fine) stays out, or old journals would not match. */
    uint64_t h = FNV_START;
    for (int i = 0; i < c->n_messages; i++) {
        h = fnv1a(h, c->message[i].role, strlen(c->message[i].role) + 1);
        h = fnv1a(h, c->message[i].content, strlen(c->message[i].content) + 1);
    }
    double t = c->temperature + 0.0; /* -0 is 0 */
    int32_t limit = c->max_tokens;
    h = fnv1a(h, &t, sizeof t);
    h = fnv1a(h, &limit, sizeof limit);
    /* Free text has no form to hash. */
    int32_t verdict = c->verdict;
    /* Free text (-1) adds nothing to the hash: whether a judge could be forced is no property of such a call. */
    return verdict < 0 ? h : fnv1a(h, &verdict, sizeof verdict);
}

/* ---- records ---- */

void call_record_put(struct buf *b, const struct call_record *r)
{
    buf_str(b, "{\"key\": ");
    json_put_string(b, r->key, strlen(r->key));
    /* As text: JSON numbers carry 53 bits, the hash has 64. */
    buf_printf(b, ", \"content\": \"%016llx\"", (unsigned long long)r->content);
    json_put_text_member(b, "status", status_name[r->status]);
    json_put_text_member(b, "reason", r->reason);
    json_put_text_member(b, "text", r->text ? r->text : ""); /* always there: it is what makes a line a call record */
    json_put_text_member(b, "raw", r->raw);
    json_put_text_member(b, "model", r->model);
    if (r->judge)                        /* most calls have no stand-in */
        json_put_text_member(b, "judge", r->judge);
    json_put_text_member(b, "request_id", r->request_id);
    json_put_text_member(b, "finish", r->finish);
    buf_printf(b, ", \"sent\": %s", r->sent ? r->sent : "null"); /* it is JSON already */
    buf_printf(b, ", \"tokens_in\": %lld, \"tokens_out\": %lld, \"tokens_estimated\": %s", (long long)r->tokens_in,
               (long long)r->tokens_out, r->tokens_estimated ? "true" : "false");
    json_put_number_member(b, "cost", r->cost < 0 ? NAN : r->cost); /* -1, no price known, must not come back as a price */
    buf_printf(b, ", \"tries\": %d", r->tries);
    json_put_number_member(b, "seconds", r->seconds);
    json_put_number_member(b, "tstamp", r->tstamp);
    json_put_number_member(b, "expected_score", r->expected_score);
    buf_char(b, '}');
}

enum field {
    F_KEY,
    F_CONTENT,
    F_STATUS,
    F_REASON,
    F_TEXT,
    F_RAW,
    F_MODEL,
    F_JUDGE,
    F_REQUEST_ID,
    F_FINISH,
    F_SENT,
    F_TOKENS_IN,
    F_TOKENS_OUT,
    F_ESTIMATED,
    F_COST,
    F_TRIES,
    F_SECONDS,
    F_TSTAMP,
    F_EXPECTED_SCORE,
    N_FIELDS
};
static const char *const field_name[N_FIELDS] = {
    "key",  "content",   "status",     "reason",           "text", "raw",   "model",   "judge",  "request_id",    "finish",
    "sent", "tokens_in", "tokens_out", "tokens_estimated", "cost", "tries", "seconds", "tstamp", "expected_score"};

/* Tokens come from servers: a negative or endless count counts as none. */
static int64_t count_of(const struct json_member *m)
{
    double x = records_number(m->value, 0); /* a count beyond 9e15 or below 0 is no count */
    return x > 0 && x < 9e15 ? (int64_t)x : 0;
}

static int read_content(const struct json_member *m, uint64_t *content)
{
    struct json_text text;
    char hex[17] = "";
    if (!json_member_string(m->value, &text) || text.len != 16) /* as text: JSON's numbers hold 53 bits */
        return -1;
    memcpy(hex, text.ptr, 16);
    *content = strtoull(hex, NULL, 16);
    return strspn(hex, "0123456789abcdef") == 16 ? 0 : -1;
}

static int check_fields(const struct json_member *m, struct call_record *r, struct err *err)
{
    struct json_text text;
    char key[CALL_KEY_MAX + 1] = "";
    if (json_member_string(m[F_KEY].value, &text) && text.len <= CALL_KEY_MAX) /* a key has no escapes, or it is none */
        memcpy(key, text.ptr, text.len);
    int status = records_word(m[F_STATUS].value, status_name, sizeof status_name / sizeof *status_name);
    if (!call_key_ok(key) || !json_member_string(m[F_TEXT].value, &text) || read_content(&m[F_CONTENT], &r->content) < 0 || status < 0)
        return err_set(err, ERR_FORMAT, "no call record: key, content, status or text is missing or wrong");
    r->status = (enum call_status)status;
    return 0;
}

static void read_numbers(const struct json_member *m, struct call_record *r)
{
    r->tokens_in = count_of(&m[F_TOKENS_IN]);
    r->tokens_out = count_of(&m[F_TOKENS_OUT]);
    r->tokens_estimated = m[F_ESTIMATED].value.len == 4 && *m[F_ESTIMATED].value.ptr == 't'; /* true */
    r->cost = records_number(m[F_COST].value, -1);
    double tries = records_number(m[F_TRIES].value, 0);
    r->tries = tries > 0 && tries < 1e9 ? (int)tries : 0;
    r->seconds = records_number(m[F_SECONDS].value, 0);
    r->tstamp = records_number(m[F_TSTAMP].value, 0);
    r->expected_score = records_number(m[F_EXPECTED_SCORE].value, NAN);
}

struct call_record *call_record_parse(const char *line, size_t n, struct err *err)
{
    struct json_member m[N_FIELDS];
    struct call_record r = {0};
    for (int f = 0; f < N_FIELDS; f++)
        m[f].name = field_name[f];
    if (json_scan_members(line, n, m, N_FIELDS, err) < 0 || check_fields(m, &r, err) < 0)
        return NULL;
    read_numbers(m, &r);
    /* Nothing may point into the line afterwards, which moves as the journal grows. */
    const struct records_text text[] = {
        {m[F_KEY].value, offsetof(struct call_record, key), false},
        {m[F_TEXT].value, offsetof(struct call_record, text), false},
        {m[F_REASON].value, offsetof(struct call_record, reason), false},
        {m[F_RAW].value, offsetof(struct call_record, raw), false},
        {m[F_MODEL].value, offsetof(struct call_record, model), false},
        {m[F_JUDGE].value, offsetof(struct call_record, judge), false},
        {m[F_REQUEST_ID].value, offsetof(struct call_record, request_id), false},
        {m[F_FINISH].value, offsetof(struct call_record, finish), false},
        {m[F_SENT].value, offsetof(struct call_record, sent), true},
    };
    return records_block(&r, sizeof r, text, sizeof text / sizeof *text, err);
}

/* ---- what was paid ---- */

void call_totals_add(struct call_totals *t, const struct call_record *r)
{
    t->calls++;
    t->tokens_in += r->tokens_in;
    t->tokens_out += r->tokens_out;
    t->estimated += r->tokens_estimated;
    /* An unknown price (-1) adds nothing, and is counted apart so that nobody takes the sum for the whole. */
    t->unpriced += r->cost < 0;
    t->cost += r->cost > 0 ? r->cost : 0;
    t->seconds += r->seconds > 0 ? r->seconds : 0;
}

static void put_dollars(struct buf *b, const struct call_totals *t)
{
    if (t->calls && t->calls == t->unpriced) /* "$ 0.0000" would read as free */
        buf_str(b, "$ unknown");
    else
        buf_printf(b, "%s$ %.4f", t->unpriced ? "at least " : "", t->cost);
}

void call_totals_put(struct buf *b, const struct call_totals *t, const struct call_totals *all)
{
    put_dollars(b, t);
    if (all->calls <= t->calls)
        return;
    buf_printf(b, "   (the whole journal: %lld tokens, ", (long long)(all->tokens_in + all->tokens_out));
    put_dollars(b, all);
    buf_char(b, ')');
}

/* ---- the journal ---- */

struct call_journal {
    struct records *records;             /* the last word on a key and content is that of the last call that ended for good */
    struct map last;                     /* of a key: the number of its last finished record */
    struct map stood_in;                 /* keys of calls, each behind the name of another judge that replied */
    struct call_totals totals;
    struct err unkept;                   /* why a record that was added could not be taken in; no text: none */
};

static void *parse(const char *line, size_t n, struct err *err)
{
    return call_record_parse(line, n, err);
}

/* Key and content as bytes. */
struct name {
    char bytes[RECORDS_KEY_MAX];
    size_t n;
};

static struct name name_of(const char *key, uint64_t content)
{
    struct name name = { .n = strlen(key) };
    if (name.n > CALL_KEY_MAX)           /* no record has such a key */
        name.n = CALL_KEY_MAX + 1;
    memcpy(name.bytes, key, name.n);
    memcpy(name.bytes + name.n, &content, sizeof content);
    name.n += sizeof content;
    return name;
}

static size_t key_of(const void *record, char *key)
{
    const struct call_record *r = record;
    struct name name = name_of(r->key, r->content);
    memcpy(key, name.bytes, name.n);
    /* A failed call is nobody's last word: it is asked again, and an earlier success of the key stands. */
    return r->status == CALL_FAILED ? 0 : name.n;
}

static void note(void *ctx, const void *record, size_t i)
{
    struct call_journal *j = ctx;
    const struct call_record *r = record;
    call_totals_add(&j->totals, r);      /* every record was paid, those that others superseded too */
    if (r->status != CALL_FAILED)
        map_set(&j->last, r->key, strlen(r->key), i);
    if (r->judge) {
        /* A newline is in no key, so judge and key cannot run together. */
        char *both = xasprintf("%s\n%s", r->judge, r->key);
        map_add_text(&j->stood_in, both, 1);
        free(both);
    }
}

static const struct records_kind calls = {
    .name = "calls", .busy = "making these calls; wait for it", .parse = parse, .key = key_of, .note = note,
};

/* The manifest goes to disk at once: better a full disk is seen before than after a call has been paid. */
struct call_journal *call_journal_open(const char *path, const struct manifest *m, struct err *err)
{
    struct call_journal *j = xcalloc(1, sizeof *j);
    j->records = records_open(&calls, j, path, NULL, m, err);
    if (j->records && records_begin(j->records, m, err) == 0) /* compared once more, now as a whole */
        return j;
    call_journal_close(j);
    return NULL;
}

struct call_journal *call_journal_peek(const char *path, struct err *err)
{
    struct call_journal *j = xcalloc(1, sizeof *j);
    j->records = records_peek(&calls, j, path, NULL, err);
    if (j->records)
        return j;
    call_journal_close(j);
    return NULL;
}

void call_journal_close(struct call_journal *j)
{
    if (!j)
        return;
    if (j->records && records_count(j->records) == 0)
        records_discard(j->records);     /* no call was made: nothing to remember */
    else
        records_close(j->records);
    map_free(&j->last);
    map_free(&j->stood_in);
    free(j);
}

static const struct call_record *get(const struct call_journal *j, size_t i)
{
    return i == MAP_NONE ? NULL : records_get(j->records, i);
}

const struct call_record *call_journal_find(const struct call_journal *j, const char *key, uint64_t content)
{
    struct name name = name_of(key, content);
    return get(j, records_find(j->records, name.bytes, name.n));
}

const struct call_record *call_journal_last(const struct call_journal *j, const char *key)
{
    return get(j, map_find_text(&j->last, key));
}

size_t call_journal_records(const struct call_journal *j)
{
    return records_count(j->records);
}

struct each {
    int (*see)(void *ctx, const struct call_record *r, bool counts);
    void *ctx;
};

static int see_call(void *ctx, const void *record, bool counts)
{
    const struct each *e = ctx;
    return e->see(e->ctx, record, counts);
}

int call_journal_each(const struct call_journal *j, int (*see)(void *ctx, const struct call_record *r, bool counts), void *ctx)
{
    return records_each(j->records, see_call, &(struct each){ see, ctx });
}

bool call_journal_stood_in(const struct call_journal *j, const char *key, const char *judge)
{
    char *both = xasprintf("%s\n%s", judge, key);
    bool found = map_find_text(&j->stood_in, both) != MAP_NONE;
    free(both);
    return found;
}

void call_journal_add(struct call_journal *j, const struct call_record *r)
{
    struct buf line = {0};
    /* By way of the line: what memory has from here on is what a resumed run will read. */
    call_record_put(&line, r);
    records_add(j->records, line.data, line.len, &j->unkept);
    buf_free(&line);
}

int call_journal_sync(struct call_journal *j, struct err *err)
{
    /* What came with it goes to disk all the same: those replies are paid, too. */
    int rc = records_sync(j->records, err);
    if (rc < 0 || !*j->unkept.text)
        return rc;
    return err_set(err, ERR_FORMAT, "a reply could not be kept in the journal: %s; please report it, and start again to ask once more",
                   j->unkept.text);
}

int call_journal_append(struct call_journal *j, const struct call_record *r, struct err *err)
{
    call_journal_add(j, r);
    return call_journal_sync(j, err);
}

struct call_totals call_journal_totals(const struct call_journal *j)
{
    return j->totals;
}

struct share {
    bool (*mine)(const void *ctx, const char *key);
    const void *ctx;
    struct call_totals totals;
};

static int add_mine(void *ctx, const struct call_record *r, bool counts)
{
    struct share *s = ctx;
    (void)counts;                        /* what was asked again was paid too */
    if (s->mine(s->ctx, r->key))         /* by key and not by content: a changed prompt under one's key was one's own bill too */
        call_totals_add(&s->totals, r);
    return 0;
}

struct call_totals call_journal_share(const struct call_journal *j, bool (*mine)(const void *ctx, const char *key), const void *ctx)
{
    struct share s = { .mine = mine, .ctx = ctx };
    call_journal_each(j, add_mine, &s);
    return s.totals;
}
