/* call.c - calls, what came of them, and the journal that lets none be paid for twice. */
#include "mtbench/call.h"

#include "ledger.h"

#include "mtbench/hash.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const status_name[] = { "ok", "truncated", "filtered", "refused", "too_long", "failed" };

const char *call_status_name(enum call_status s)
{
    return status_name[s];
}

struct call call_copy(const struct call *c)
{
    struct call copy = *c;
    struct call_message *m = xcalloc((size_t)c->n_messages, sizeof *m);
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
    return n >= 1 && n <= CALL_KEY_MAX && !key[n];
}

/* Strings go in with their NUL, so that moving a letter from one to the next is a change. */
uint64_t call_content(const struct call *c)
{
    uint64_t h = FNV_START;
    for (int i = 0; i < c->n_messages; i++) {
        h = fnv1a(h, c->message[i].role, strlen(c->message[i].role) + 1);
        h = fnv1a(h, c->message[i].content, strlen(c->message[i].content) + 1);
    }
    double t = c->temperature + 0.0; /* -0 is 0 */
    int32_t limit = c->max_tokens;
    h = fnv1a(h, &t, sizeof t);
    h = fnv1a(h, &limit, sizeof limit);
    int32_t verdict = c->verdict;
    return verdict < 0 ? h : fnv1a(h, &verdict, sizeof verdict);
}

/* ---- records ---- */

void call_record_put(struct buf *b, const struct call_record *r)
{
    buf_str(b, "{\"key\": ");
    json_put_string(b, r->key, strlen(r->key));
    buf_printf(b, ", \"content\": \"%016llx\"", (unsigned long long)r->content);
    json_put_text_member(b, "status", status_name[r->status]);
    json_put_text_member(b, "reason", r->reason);
    json_put_text_member(b, "text", r->text ? r->text : "");
    json_put_text_member(b, "raw", r->raw);
    json_put_text_member(b, "model", r->model);
    if (r->judge)
        json_put_text_member(b, "judge", r->judge);
    json_put_text_member(b, "request_id", r->request_id);
    json_put_text_member(b, "finish", r->finish);
    buf_printf(b, ", \"sent\": %s", r->sent ? r->sent : "null");
    buf_printf(b, ", \"tokens_in\": %lld, \"tokens_out\": %lld, \"tokens_estimated\": %s", (long long)r->tokens_in, (long long)r->tokens_out,
               r->tokens_estimated ? "true" : "false");
    json_put_number_member(b, "cost", r->cost < 0 ? NAN : r->cost);
    buf_printf(b, ", \"tries\": %d", r->tries);
    json_put_number_member(b, "seconds", r->seconds);
    json_put_number_member(b, "tstamp", r->tstamp);
    json_put_number_member(b, "expected_score", r->expected_score);
    buf_char(b, '}');
}

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

static double number_of(const cJSON *j, const char *name, double otherwise)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsNumber(s) ? s->valuedouble : otherwise;
}

static int64_t count_of(const cJSON *j, const char *name)
{
    double x = number_of(j, name, 0);
    return x > 0 && x < 9e15 ? (int64_t)x : 0;
}

static int read_status(const char *s, enum call_status *status)
{
    for (size_t i = 0; s && i < sizeof status_name / sizeof *status_name; i++) {
        if (!strcmp(s, status_name[i])) {
            *status = (enum call_status)i;
            return 0;
        }
    }
    return -1;
}

static int read_content(const char *s, uint64_t *content)
{
    if (!s || strlen(s) != 16 || strspn(s, "0123456789abcdef") != 16)
        return -1;
    *content = strtoull(s, NULL, 16);
    return 0;
}

/* The object as text again; it is kept beside the object that it came from. */
static const char *read_sent(cJSON *j)
{
    const cJSON *sent = json_get(j, "sent");
    char *text = cJSON_IsObject(sent) ? cJSON_PrintUnformatted(sent) : NULL;
    const cJSON *kept = text ? cJSON_AddStringToObject(j, "sent as text", text) : NULL;
    cJSON_free(text);
    return kept ? kept->valuestring : NULL;
}

int call_record_parse(const char *line, size_t n, struct call_record *r, cJSON **keep, struct err *err)
{
    cJSON *j = *keep = json_parse(line, n, err);
    *r = (struct call_record){0};
    if (!j)
        return -1;
    r->key = text_of(j, "key");
    r->text = text_of(j, "text");
    if (!r->key || !call_key_ok(r->key) || !r->text || read_content(text_of(j, "content"), &r->content) < 0 ||
        read_status(text_of(j, "status"), &r->status) < 0) {
        cJSON_Delete(j);
        *keep = NULL;
        return err_set(err, ERR_FORMAT, "no call record: key, content, status or text is missing or wrong");
    }
    r->reason = text_of(j, "reason");
    r->raw = text_of(j, "raw");
    r->model = text_of(j, "model");
    r->judge = text_of(j, "judge");
    r->request_id = text_of(j, "request_id");
    r->finish = text_of(j, "finish");
    r->sent = read_sent(j);
    r->tokens_in = count_of(j, "tokens_in");
    r->tokens_out = count_of(j, "tokens_out");
    r->tokens_estimated = cJSON_IsTrue(json_get(j, "tokens_estimated"));
    r->cost = number_of(j, "cost", -1);
    double tries = number_of(j, "tries", 0);
    r->tries = tries > 0 && tries < 1e9 ? (int)tries : 0;
    r->seconds = number_of(j, "seconds", 0);
    r->tstamp = number_of(j, "tstamp", 0);
    r->expected_score = number_of(j, "expected_score", NAN);
    return 0;
}

/* ---- the journal ---- */

struct entry {
    struct call_record record;
    cJSON *keep;
};

struct call_journal {
    struct ledger *ledger;
    struct entry **entry;                /* in file order; each stays where it is */
    size_t n;
    size_t *slot;                        /* open addressing: 1 + entry of the last finished record of a key and content, or 0 */
    size_t n_slots, used;                /* n_slots: a power of two, or 0 */
    struct map last;                     /* of a key: the entry of its last finished record */
    struct call_totals totals;
};

static size_t *find_slot(const struct call_journal *j, const char *key, uint64_t content)
{
    size_t i = (size_t)fnv1a(fnv1a(FNV_START, key, strlen(key)), &content, sizeof content);
    for (;; i++) {
        size_t *s = &j->slot[i & (j->n_slots - 1)];
        if (!*s)
            return s;
        const struct call_record *r = &j->entry[*s - 1]->record;
        if (r->content == content && !strcmp(r->key, key))
            return s;
    }
}

static void grow(struct call_journal *j)
{
    size_t *old = j->slot, n_old = j->n_slots;
    j->n_slots = n_old ? 2 * n_old : 256;
    j->slot = xcalloc(j->n_slots, sizeof *j->slot);
    for (size_t i = 0; i < n_old; i++) {
        const struct call_record *r = old[i] ? &j->entry[old[i] - 1]->record : NULL;
        if (r)
            *find_slot(j, r->key, r->content) = old[i];
    }
    free(old);
}

void call_totals_add(struct call_totals *t, const struct call_record *r)
{
    t->calls++;
    t->tokens_in += r->tokens_in;
    t->tokens_out += r->tokens_out;
    t->estimated += r->tokens_estimated;
    t->unpriced += r->cost < 0;
    t->cost += r->cost > 0 ? r->cost : 0;
    t->seconds += r->seconds > 0 ? r->seconds : 0;
}

static void put_dollars(struct buf *b, const struct call_totals *t)
{
    if (t->calls && t->calls == t->unpriced)
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

static void take(struct call_journal *j, const struct call_record *r, cJSON *keep)
{
    if ((j->n & (j->n - 1)) == 0)
        j->entry = xrealloc(j->entry, j->n ? 2 * j->n : 1, sizeof *j->entry);
    struct entry *e = j->entry[j->n++] = xcalloc(1, sizeof *e);
    *e = (struct entry){ *r, keep };
    call_totals_add(&j->totals, r);
    if (r->status == CALL_FAILED)
        return;
    if (2 * (j->used + 1) > j->n_slots)
        grow(j);
    size_t *s = find_slot(j, r->key, r->content);
    j->used += *s == 0;
    *s = j->n;
    map_set(&j->last, r->key, strlen(r->key), j->n - 1);
}

static int check_head(const struct manifest *m, const char *line, size_t n, struct err *err)
{
    cJSON *head = json_parse(line, n, err);
    if (!head)
        return -1;
    int rc = !cJSON_IsObject(json_get(head, "identity")) ? err_set(err, ERR_FORMAT, "no journal of calls: its first line is no manifest; name another file")
             : m ? manifest_compare(m, head, err) : 0;
    cJSON_Delete(head);
    return rc;
}

struct replay {
    struct call_journal *j;
    const struct manifest *m;            /* NULL: not compared */
};

static int replay_line(void *ctx, int number, const char *line, size_t n, struct err *err)
{
    const struct replay *p = ctx;
    struct call_record r;
    cJSON *keep;
    if (number == 1)
        return check_head(p->m, line, n, err);
    if (call_record_parse(line, n, &r, &keep, err) < 0)
        return -1;
    take(p->j, &r, keep);
    return 0;
}

struct call_journal *call_journal_open(const char *path, const struct manifest *m, struct err *err)
{
    struct call_journal *j = xcalloc(1, sizeof *j);
    j->ledger = ledger_open(&(struct ledger_opts){ .path = path, .replay = replay_line, .ctx = &(struct replay){ j, m }, .busy = "making these calls; wait for it" }, err);
    if (!j->ledger)
        goto error;
    if (ledger_empty(j->ledger)) {
        struct buf line = {0};
        manifest_put(&line, m);
        ledger_add(j->ledger, line.data, line.len);
        buf_free(&line);
        if (ledger_sync(j->ledger, err) < 0)             /* better now than when a call has been paid */
            goto error;
    }
    return j;
error:
    call_journal_close(j);
    return NULL;
}

struct call_journal *call_journal_peek(const char *path, struct err *err)
{
    struct call_journal *j = xcalloc(1, sizeof *j);
    if (ledger_peek(&(struct ledger_opts){ .path = path, .replay = replay_line, .ctx = &(struct replay){ j, NULL } }, err) == 0)
        return j;
    call_journal_close(j);
    return NULL;
}

void call_journal_close(struct call_journal *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->n; i++) {
        cJSON_Delete(j->entry[i]->keep);
        free(j->entry[i]);
    }
    if (j->ledger && j->n == 0)
        ledger_discard(j->ledger);       /* no call was made: nothing to remember */
    else
        ledger_close(j->ledger);
    map_free(&j->last);
    free(j->entry);
    free(j->slot);
    free(j);
}

const struct call_record *call_journal_find(const struct call_journal *j, const char *key, uint64_t content)
{
    size_t at = j->n_slots ? *find_slot(j, key, content) : 0;
    return at ? &j->entry[at - 1]->record : NULL;
}

const struct call_record *call_journal_last(const struct call_journal *j, const char *key)
{
    size_t at = map_find_text(&j->last, key);
    return at == MAP_NONE ? NULL : &j->entry[at]->record;
}

bool call_journal_stood_in(const struct call_journal *j, const char *key, const char *judge)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct call_record *r = &j->entry[i]->record;
        if (r->judge && !strcmp(r->judge, judge) && !strcmp(r->key, key))
            return true;
    }
    return false;
}

void call_journal_add(struct call_journal *j, const struct call_record *r)
{
    struct buf line = {0};
    struct call_record copy;
    cJSON *keep;
    call_record_put(&line, r);
    if (call_record_parse(line.data, line.len, &copy, &keep, NULL) == 0) {
        ledger_add(j->ledger, line.data, line.len);
        take(j, &copy, keep);
    }
    buf_free(&line);
}

int call_journal_sync(struct call_journal *j, struct err *err)
{
    return ledger_sync(j->ledger, err);
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

struct call_totals call_journal_share(const struct call_journal *j, bool (*mine)(const void *ctx, const char *key), const void *ctx)
{
    struct call_totals t = {0};
    for (size_t i = 0; i < j->n; i++)
        if (mine(ctx, j->entry[i]->record.key))
            call_totals_add(&t, &j->entry[i]->record);
    return t;
}
