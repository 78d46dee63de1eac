/* batch.c - calls by files. */
#include "mtbench/batch.h"

#include "receipt.h"

#include "mtbench/io.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ID = 64 };

/* Key and the low half of the content. The content makes a result of an older prompt recognisable: a key alone
 * would give a changed answer the verdict on the old one. 55 + 1 + 8 bytes fit the 64 of the batch APIs. */
static void id_of(const struct call *c, char id[MAX_ID + 1])
{
    snprintf(id, MAX_ID + 1, "%.*s-%08x", CALL_KEY_MAX, c->key, (unsigned)(c->content & 0xffffffff));
}

/* ---- export ---- */

struct export {
    struct transport transport;          /* what batch_export_create() hands out; its ctx is this */
    struct batch_export_opts o;          /* path: our own copy */
    struct dialect dialect;              /* by the model's name; nothing is learnt here */
    FILE *file;                          /* the part being written; NULL: none open */
    int n_files, n_lines;                /* of this file */
    int64_t n_bytes, n_all;              /* of this file; lines of all files */
    struct err err;                      /* the first that went wrong */
};

/* Caller frees. */
/* PATH, PATH-2, PATH-3 ... before the extension: a batch API takes so many lines and bytes, and a big run needs
 * several. */
static char *part_path(const struct export *x, int number, const char *more)
{
    const char *name = strrchr(x->o.path, '/'), *dot = strrchr(name ? name : x->o.path, '.');
    /* Bytes before the extension; all of it where there is none. */
    int stem = (int)(dot && dot > x->o.path ? (size_t)(dot - x->o.path) : strlen(x->o.path));
    return number == 1 ? xasprintf("%s%s", x->o.path, more) : xasprintf("%.*s-%d%s%s", stem, x->o.path, number, x->o.path + stem, more);
}

static int close_part(struct export *x)
{
    if (!x->file)
        return 0;
    /* fclose() whatever happened, or the descriptor leaks; a full disk shows at any of the three. */
    bool bad = fflush(x->file) != 0 || fsync(fileno(x->file)) != 0;
    if (fclose(x->file) != 0 || bad)
        err_errno(&x->err, "%s: cannot write", x->o.path);
    x->file = NULL;
    return x->err.kind ? -1 : 0;
}

static int open_part(struct export *x)
{
    if (close_part(x) < 0)
        return -1;
    char *path = part_path(x, x->n_files + 1, ".tmp"); /* renamed by batch_export_finish(): half a set is never seen */
    x->file = fopen(path, "we");
    if (!x->file)
        err_errno(&x->err, "%s: cannot write", path);
    free(path);
    x->n_files += x->file != NULL;
    x->n_lines = 0;
    x->n_bytes = 0;
    return x->file ? 0 : -1;
}

static int export_room(void *ctx)
{
    const struct export *x = ctx;
    /* No room after an error: the pump stops offering calls and hears of the error in the next step. */
    return x->err.kind ? 0 : 256;
}

static void export_submit(void *ctx, const struct call *c)
{
    struct export *x = ctx;
    const struct provider *p = x->o.endpoint->provider;
    struct buf line = {0};
    char id[MAX_ID + 1];
    id_of(c, id);
    p->batch_put(x->o.endpoint, &x->dialect, c, id, &line); /* the dialect is guessed from the model's name: no refusal can teach */
    buf_char(&line, '\n');
    /* Looked at before writing: no file grows beyond what its API takes. */
    bool full = x->n_lines >= p->batch_lines || x->n_bytes + (int64_t)line.len > p->batch_bytes;
    if (!x->err.kind && (!full || open_part(x) == 0)) {
        if (fwrite(line.data, 1, line.len, x->file) != line.len)
            err_errno(&x->err, "%s: cannot write", x->o.path);
        x->n_lines++;
        x->n_all++;
        x->n_bytes += (int64_t)line.len;
    }
    buf_free(&line);
}

/* submit() has no way to say that the disk is full; the step after it does. */
static int export_step(void *ctx, double wait, struct err *err)
{
    const struct export *x = ctx;
    (void)wait;
    if (x->err.kind && err)
        *err = x->err;
    return x->err.kind ? -1 : 0;
}

/* Nothing comes back from a file. */
static const struct call_record *export_collect(void *ctx)
{
    (void)ctx;
    return NULL;
}

static void export_destroy(void *ctx)
{
    struct export *x = ctx;
    close_part(x);
    for (int i = 1; i <= x->n_files; i++) { /* what was not put into place is half a set */
        char *path = part_path(x, i, ".tmp");
        unlink(path);
        free(path);
    }
    free((void *)x->o.path);             /* ours: batch_export_create() copied it */
    free(x);
}

struct transport *batch_export_create(const struct batch_export_opts *o, struct err *err)
{
    struct export *x = xcalloc(1, sizeof *x);
    x->o = *o;
    x->o.path = xstrdup(o->path);
    x->dialect = dialect_guess(o->endpoint);
    x->transport = (struct transport){
        .ctx = x, .room = export_room, .submit = export_submit, .step = export_step, .collect = export_collect, .destroy = export_destroy};
    if (io_make_parents(o->path, err) == 0 && open_part(x) == 0)
        return &x->transport;
    if (err && x->err.kind)
        *err = x->err;
    export_destroy(x);
    return NULL;
}

int batch_export_finish(struct transport *t, struct err *err)
{
    struct export *x = t->ctx;
    close_part(x);
    for (int i = 1; i <= x->n_files && !x->err.kind; i++) {
        char *from = part_path(x, i, ".tmp"), *to = part_path(x, i, "");
        if (rename(from, to) < 0)
            err_errno(&x->err, "%s: cannot put into place", to);
        free(from);
        free(to);
    }
    io_sync_parent(x->o.path);           /* the names are on disk too before anybody is told of them */
    return export_step(x, 0, err);
}

int64_t batch_export_count(const struct transport *t)
{
    return ((const struct export *)t->ctx)->n_all;
}

int batch_export_files(const struct transport *t)
{
    return ((const struct export *)t->ctx)->n_files;
}

char *batch_export_leftover(const struct transport *t)
{
    const struct export *x = t->ctx;
    char *next = part_path(x, x->n_files + 1, "");
    if (access(next, F_OK) == 0)
        return next;
    free(next);
    return NULL;
}

/* ---- import ---- */

/* One line of a result or error file. */
struct result {
    char id[MAX_ID + 1];                 /* custom_id */
    struct reply reply;                  /* ours until a call takes its strings */
    long order;                          /* in the files */
    bool used;                           /* each result answers one call */
};

struct import {
    struct transport transport;          /* what batch_import_create() hands out */
    struct batch_import_opts o;
    struct budget budget;                /* prices only: a batch is paid for already */
    struct counter counter;              /* for lines without usage */
    struct result *result;               /* sorted by id; one per id */
    size_t n;                            /* results */
    struct receipt *done, **last, *lent; /* to be collected; its end; what the last collect handed out */
};

/* A reply that would have been tried again cannot be: its call failed this time. */
static void settle_reply(struct reply *r)
{
    if (r->action == REPLY_DONE)
        return;
    if (r->action == REPLY_DOUBLE) {
        r->status = CALL_TRUNCATED;
    } else if (r->action == REPLY_ADAPT) {
        char *reason = xasprintf("%s (the model refuses a parameter: judge it without a batch)", r->reason);
        free(r->reason);
        r->reason = reason;
    }
}

static int read_line(struct import *m, const char *line, size_t n, struct err *err)
{
    struct result r = { .order = (long)m->n };
    /* Whether a cut text will do is the call's to say, which comes later: see accept_cut(). */
    const struct asked asked = { .dialect = dialect_guess(m->o.endpoint), .cut_is_fine = false };
    if (m->o.endpoint->provider->batch_read(line, n, r.id, &asked, &r.reply, err) < 0)
        return -1;
    settle_reply(&r.reply);
    /* Room doubles at every power of two. */
    if ((m->n & (m->n - 1)) == 0)
        m->result = xrealloc(m->result, m->n ? 2 * m->n : 1, sizeof *m->result);
    m->result[m->n++] = r;
    return 0;
}

static int read_file(struct import *m, const char *path, struct err *err)
{
    struct lines_file *f = lines_open(path, err);
    struct slice line;
    int rc = f ? 1 : -1;
    while (rc == 1 && (rc = lines_read(f, &line, err)) == 1)
        if (read_line(m, line.ptr, line.len, err) < 0)
            rc = err_wrap(err, "%s:%ld", path, lines_number(f));
    lines_close(f);
    return rc;
}

static int by_id(const void *pa, const void *pb)
{
    const struct result *a = pa, *b = pb;
    int c = strcmp(a->id, b->id);
    return c ? c : a->order < b->order ? -1 : 1; /* equal ids in file order, so that keep_best() may take the later one */
}

/* ok is best, failed is worst; of equals the later one. */
static bool better(const struct reply *a, const struct reply *b)
{
    int ra = a->status == CALL_OK ? 2 : a->status != CALL_FAILED, rb = b->status == CALL_OK ? 2 : b->status != CALL_FAILED;
    return ra >= rb;
}

/* A failed request is often sent again in a second batch, and both result files are given: the success must win,
 * whichever comes first. */
static void keep_best(struct import *m)
{
    size_t k = 0;
    if (m->n)
        qsort(m->result, m->n, sizeof *m->result, by_id);
    for (size_t i = 0; i < m->n; i++) {
        struct result *r = &m->result[i];
        if (k && !strcmp(m->result[k - 1].id, r->id)) {
            bool take = better(&r->reply, &m->result[k - 1].reply);
            reply_free(take ? &m->result[k - 1].reply : &r->reply); /* the loser's texts */
            if (take)
                m->result[k - 1] = *r;
        } else {
            m->result[k++] = *r;
        }
    }
    m->n = k;
}

/* The first result whose id begins so. */
static struct result *find(const struct import *m, const char *id, size_t n_prefix)
{
    size_t low = 0, high = m->n;         /* the first that is not less: of several with this prefix the first one */
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strncmp(m->result[mid].id, id, n_prefix) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->n && !strncmp(m->result[low].id, id, n_prefix) ? &m->result[low] : NULL;
}

/* A result of the same key with other content? */
static bool of_another_prompt(const struct import *m, const char *id)
{
    size_t n = strlen(id);               /* its last 8 bytes are the content */
    for (const struct result *r = find(m, id, n - 8); r && r < m->result + m->n && !strncmp(r->id, id, n - 8); r++)
        if (strlen(r->id) == n && strcmp(r->id, id))
            return true;
    return false;
}

static int import_room(void *ctx)
{
    (void)ctx;
    return 256;
}

/* A text that the limit cut is an answer to some calls. */
static void accept_cut(const struct call *c, struct reply *r)
{
    if (c->cut_is_fine && r->status == CALL_TRUNCATED && r->text && *r->text)
        r->status = CALL_OK;
}

static void import_submit(void *ctx, const struct call *c)
{
    struct import *m = ctx;
    char id[MAX_ID + 1];
    id_of(c, id);
    struct result *r = find(m, id, MAX_ID);
    /* Without a result: failed, at no cost, so that a later start asks again. */
    struct reply none = { .status = CALL_FAILED, .tokens_in = 0, .tokens_out = 0 };
    struct tally tally = {0};
    if (r && !r->used) {
        r->used = true;
        accept_cut(c, &r->reply);
        tally.tries = 1;
        struct bill worst = { count_prompt(&m->counter, c->message, c->n_messages), c->max_tokens, true }; /* for a line without usage */
        struct bill b = bill_of(&r->reply, worst.tokens_in, &worst, &m->counter);
        tally_add(&tally, &b);
    } else {
        none.reason = xstrdup(of_another_prompt(m, id) ? "the batch's result is of another prompt; export again"
                                                       : "the batch files have no result of this call");
        r = NULL;
    }
    /* receipt_make() takes the reply's strings over; what stays in m->result is empty then. */
    struct receipt *t = receipt_make(c->key, c->content, r ? &r->reply : &none, &tally, NULL, &m->budget, m->o.endpoint->key);
    *m->last = t;
    m->last = &t->next;
}

static int import_step(void *ctx, double wait, struct err *err)
{
    (void)ctx, (void)wait, (void)err;
    return 0;
}

static const struct call_record *import_collect(void *ctx)
{
    struct import *m = ctx;
    receipt_free(m->lent);
    struct receipt *t = m->lent = m->done;
    if (!t)
        return NULL;
    m->done = t->next;
    if (!m->done)
        m->last = &m->done;
    return &t->record;
}

static void import_destroy(void *ctx)
{
    struct import *m = ctx;
    while (import_collect(m))
        ;
    for (size_t i = 0; i < m->n; i++)
        reply_free(&m->result[i].reply);
    free(m->result);
    free(m);
}

struct transport *batch_import_create(const struct batch_import_opts *o, struct err *err)
{
    struct import *m = xcalloc(1, sizeof *m);
    m->o = *o;
    m->budget = (struct budget){ .price_in = o->price_in, .price_out = o->price_out };
    m->counter = (struct counter){ o->count_tokens, o->count_ctx };
    m->last = &m->done;
    m->transport = (struct transport){
        .ctx = m, .room = import_room, .submit = import_submit, .step = import_step, .collect = import_collect, .destroy = import_destroy};
    for (int i = 0; i < o->n; i++) {
        if (read_file(m, o->path[i], err) < 0) {
            import_destroy(m);
            return NULL;
        }
    }
    keep_best(m);
    return &m->transport;
}

const char *batch_import_id(const struct transport *t, int64_t i)
{
    const struct import *m = t->ctx;
    return (size_t)i < m->n ? m->result[i].id : NULL;
}

bool batch_id_split(const char *id, size_t *n_key, uint32_t *content)
{
    const char *dash = strrchr(id, '-'); /* keys hold dashes too: the last one counts */
    size_t n = dash ? (size_t)(dash - id) : 0;
    if (!n || n > CALL_KEY_MAX || strspn(dash + 1, "0123456789abcdef") != 8 || dash[9]) /* not an id of ours */
        return false;
    *n_key = n;
    *content = (uint32_t)strtoul(dash + 1, NULL, 16);
    return true;
}
