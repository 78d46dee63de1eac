/* records.c - what a journal holds.
 * Both journals stand on this: one replay, one index, one way for a line from another rank into the file. What a record means, and what its
 * key is, they say by a kind. */
#include "records.h"

#include "ledger.h"

#include "mtbench/json_scan.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 2 << 20 };

struct line {
    size_t at, len;                      /* in the ledger */
    void *decoded;                       /* NULL until somebody asks */
};

struct records {
    const struct records_kind *kind;
    void *ctx;
    char *path;
    struct ledger *ledger;
    bool looked_at;                      /* by records_peek(): whoever looks goes on to records_each() */
    struct buf head;                     /* the first line */
    struct line *line;                   /* (n) the others */
    size_t n;
    struct map last;                     /* of a key: the number of the last word */
};

/* ---- lines come in ---- */

/* A line that parsed. Its text is not kept decoded: of those that a run finds in its journal most are never asked for. */
static size_t take(struct records *r, size_t at, size_t len, const void *record)
{
    /* A key is made of the record's fields and not of its bytes: two spellings of one line are the same turn. */
    char key[RECORDS_KEY_MAX];
    size_t n_key = r->kind->key(record, key);
    if ((r->n & (r->n - 1)) == 0)        /* doubles at powers of two */
        r->line = xrealloc(r->line, r->n ? 2 * r->n : 1, sizeof *r->line);
    r->line[r->n] = (struct line){ at, len, NULL };
    if (n_key)
        map_set(&r->last, key, n_key, r->n);
    if (r->kind->note)
        r->kind->note(r->ctx, record, r->n);
    return r->n++;
}

static int check_head(const struct records *r, const struct manifest *m, struct err *err)
{
    cJSON *stored = m ? json_parse(r->head.data, r->head.len, err) : NULL;
    int rc = !m ? 0 : stored ? manifest_compare(m, stored, err) : -1;
    cJSON_Delete(stored);
    return rc;
}

struct replay {
    struct records *r;
    const struct manifest *m;            /* NULL: not compared */
};

static int replay_line(void *ctx, int number, size_t at, struct slice line, struct err *err)
{
    const struct replay *p = ctx;
    /* Before any record is looked at: in a journal of another kind or run each line would be an error of its own. */
    if (number == 1) {
        buf_add(&p->r->head, line.ptr, line.len);
        return manifest_check(line.ptr, line.len, p->r->kind->name, err) < 0 ? -1 : check_head(p->r, p->m, err);
    }
    void *record = p->r->kind->parse(line.ptr, line.len, err);
    if (!record)
        return -1;
    const size_t i = take(p->r, at, line.len, record);
    /* Of a journal as one run leaves it no line is parsed twice; of larger ones not all is held in memory. */
    if (p->r->looked_at && at < KEPT_BYTES)
        p->r->line[i].decoded = record;
    else
        free(record);
    return 0;
}

typedef struct ledger *(*ledger_f)(const struct ledger_opts *, struct err *);

static struct records *start(ledger_f begin, const struct records_kind *kind, void *ctx, const char *path, const char *fast,
                             const struct manifest *m, struct err *err)
{
    struct records *r = xcalloc(1, sizeof *r);
    /* the context is note()'s, which sees replayed records while the journal is still being opened */
    *r = (struct records){ .kind = kind, .ctx = ctx, .path = xstrdup(path ? path : ""), .looked_at = begin == ledger_peek };
    struct replay replay = { r, m };
    const struct ledger_opts o = { .path = path, .fast = fast, .busy = kind->busy, .replay = replay_line, .ctx = &replay,
                                   .head = MANIFEST_HEAD };
    r->ledger = begin(&o, err);
    if (r->ledger)
        return r;
    records_close(r);
    return NULL;
}

struct records *records_open(const struct records_kind *kind, void *ctx, const char *path, const char *fast, const struct manifest *m,
                             struct err *err)
{
    return start(ledger_open, kind, ctx, path, fast, m, err);
}

struct records *records_peek(const struct records_kind *kind, void *ctx, const char *path, const struct manifest *m, struct err *err)
{
    return start(ledger_peek, kind, ctx, path, NULL, m, err);
}

int records_begin(struct records *r, const struct manifest *m, struct err *err)
{
    if (r->head.len)
        return check_head(r, m, err) < 0 ? err_wrap(err, "%s", r->path) : 0;
    /* on disk before the first record: a record without it belongs to no run */
    manifest_put_head(&r->head, r->kind->name, m);
    ledger_add(r->ledger, r->head.data, r->head.len);
    return ledger_sync(r->ledger, err);
}

const void *records_add(struct records *r, const char *line, size_t n, struct err *err)
{
    void *record = r->kind->parse(line, n, err);
    if (!record)
        return NULL;
    if (memchr(line, '\n', n)) {         /* JSON may have one between its tokens; a line may not */
        free(record);
        err_set(err, ERR_FORMAT, "no record of a journal: it is more than a line");
        return NULL;
    }
    size_t i = take(r, ledger_add(r->ledger, line, n), n, record);
    r->line[i].decoded = record;         /* whoever brought it looks at it next */
    return record;
}

int records_sync(struct records *r, struct err *err)
{
    return ledger_sync(r->ledger, err);
}

int records_flush(struct records *r, struct err *err)
{
    return ledger_flush(r->ledger, err);
}

static void records_free(struct records *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->line[i].decoded);
    free(r->line);
    map_free(&r->last);
    buf_free(&r->head);
    free(r->path);
    free(r);
}

void records_close(struct records *r)
{
    if (!r)
        return;
    ledger_close(r->ledger);
    records_free(r);
}

void records_discard(struct records *r)
{
    ledger_discard(r->ledger);
    records_free(r);
}

/* ---- and are looked at ---- */

const char *records_head(const struct records *r)
{
    return r->head.len ? r->head.data : NULL;
}

const char *records_path(const struct records *r)
{
    return r->path;
}

size_t records_count(const struct records *r)
{
    return r->n;
}

size_t records_find(const struct records *r, const char *key, size_t n)
{
    return map_find(&r->last, key, n);
}

struct slice records_line(const struct records *r, size_t i)
{
    return ledger_line(r->ledger, r->line[i].at, r->line[i].len);
}

/* It parsed when it came in, so it parses now. */
static void *decode(const struct records *r, size_t i)
{
    struct slice line = records_line(r, i);
    return r->kind->parse(line.ptr, line.len, NULL);
}

const void *records_get(const struct records *r, size_t i)
{
    if (!r->line[i].decoded)
        r->line[i].decoded = decode(r, i);
    return r->line[i].decoded;
}

/* What is not decoded yet is a copy each, released at once: who looks at all of them does not want all of them in memory. */
int records_each(const struct records *r, int (*see)(void *ctx, const void *record, bool counts), void *ctx)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->n; i++) {
        char key[RECORDS_KEY_MAX];
        void *own = r->line[i].decoded ? NULL : decode(r, i);
        const void *record = own ? own : r->line[i].decoded;
        size_t n_key = r->kind->key(record, key);
        rc = see(ctx, record, n_key && records_find(r, key, n_key) == i);
        free(own);
    }
    return rc;
}

/* ---- parsing ---- */

enum { NONE = -1, BROKEN = -2 };

/* The member's bytes; the block was zeroed, so a NUL follows. */
static long put_text(const struct records_text *t, char *out)
{
    struct json_text raw;
    if (t->object) {
        bool is_object = t->value.ptr && *t->value.ptr == '{';
        if (is_object)
            memcpy(out, t->value.ptr, t->value.len);
        return is_object ? (long)t->value.len : NONE;
    }
    if (!json_member_string(t->value, &raw))
        return NONE;
    long n = json_text_decode(&raw, out);
    return n < 0 ? BROKEN : n;
}

void *records_block(const void *record, size_t size, const struct records_text *text, int n_texts, struct err *err)
{
    /* One block, so that a record is freed like any other memory, by whoever has it. */
    size_t total = size;
    for (int i = 0; i < n_texts; i++)
        total += text[i].value.len + 1;  /* escapes only shrink */
    char *block = xcalloc(total, 1), *at = block + size;
    memcpy(block, record, size);
    for (int i = 0; i < n_texts; i++) {
        long n = put_text(&text[i], at);
        /* not there, or null: the pointer stays NULL */
        if (n == NONE)
            continue;
        if (n == BROKEN) {
            free(block);
            err_set(err, ERR_FORMAT, "a text holds half a surrogate pair");
            return NULL;
        }
        memcpy(block + text[i].offset, &at, sizeof at);
        at += n + 1;
    }
    return block;
}

int records_word(struct slice value, const char *const *word, int n_words)
{
    struct json_text text;
    if (json_member_string(value, &text))
        for (int i = 0; i < n_words; i++)
            if (json_text_is(&text, word[i]))
                return i;
    return -1;
}

double records_number(struct slice value, double otherwise)
{
    double x;
    bool is_int;
    return json_member_number(value, &x, &is_int) ? x : otherwise;
}
