/* fallback.c - another judge for what the filter of the first holds back. Every call is kept until its end is certain. */
#include "mtbench/fallback.h"

#include "mtbench/buf.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Both judges need the call: the first one now, the second perhaps, minutes later. The caller's strings are gone
 * by then. */
struct kept {
    struct kept *next;                   /* in one of the lists below */
    struct call call;                    /* our own copy */
    struct call_record *record;          /* the first's, filtered; NULL while it has not come */
    bool sent;                           /* to the second */
};

struct fallback {
    struct transport transport;          /* what fallback_create() hands out; its ctx is this */
    struct fallback_opts o;              /* both transports: owned */
    struct kept *kept;                   /* asked of the first, or held; newest first, few: what both have in flight */
    struct kept *done;                   /* its record stands; to be collected */
    struct kept *lent;                   /* what collect() handed out; freed by the next one */
    struct call_record joined;           /* lent by collect(); its strings are those of 'lent' and of the second's record */
    int n_held;                          /* filtered by the first, and the second has not spoken */
    bool lost, draining;                 /* lost: nothing more comes of the second */
};

static void kept_free(struct kept *k)
{
    if (!k)
        return;
    call_copy_free(&k->call);
    free(k->record);
    free(k);
}

/* The link that leads to it, so that it can be taken out. A record is of a call that was submitted, so there is
 * one. */
static struct kept **find(struct fallback *f, const struct call_record *r)
{
    struct kept **p = &f->kept;
    while (*p && ((*p)->call.content != r->content || strcmp((*p)->call.key, r->key)))
        p = &(*p)->next;
    return p;
}

static struct kept *unlink_kept(struct kept **p)
{
    struct kept *k = *p;
    *p = k->next;
    k->next = NULL;
    return k;
}

static void hold(struct fallback *f, struct kept *k, const struct call_record *r)
{
    struct buf line = {0};               /* a record's strings live until the next collect: a copy by way of its line */
    call_record_put(&line, r);
    k->record = call_record_parse(line.data, line.len, NULL);
    f->n_held += k->record != NULL;      /* always; a record of our own making parses */
    buf_free(&line);
}

/* What is held and was not sent will not be: its first record stands. */
static void let_go(struct fallback *f, bool sent_too)
{
    for (struct kept **p = &f->kept; *p;) {
        if (!(*p)->record || ((*p)->sent && !sent_too)) {
            p = &(*p)->next;
            continue;
        }
        struct kept *k = unlink_kept(p);
        k->next = f->done;
        f->done = k;
        f->n_held--;
    }
}

static void send_held(struct fallback *f)
{
    struct transport *t = f->o.second;
    for (struct kept *k = f->kept; k && t->room(t->ctx) > 0; k = k->next)
        if (k->record && !k->sent) {
            t->submit(t->ctx, &k->call);
            k->sent = true;
        }
}

/* ---- the transport ---- */

/* The second one's room is no limit: what it cannot take yet is held. */
static int room(void *ctx)
{
    const struct fallback *f = ctx;
    return f->o.first->room(f->o.first->ctx);
}

static void submit(void *ctx, const struct call *c)
{
    struct fallback *f = ctx;
    struct kept *k = xcalloc(1, sizeof *k);
    k->call = call_copy(c);
    k->next = f->kept;
    f->kept = k;
    f->o.first->submit(f->o.first->ctx, c); /* behind the copy: it may be asked for at once */
}

static int step(void *ctx, double wait, struct err *err)
{
    struct fallback *f = ctx;
    struct transport *first = f->o.first, *second = f->o.second;
    struct err why = {0};
    /* Its own end (no key, no budget) may be told only when nothing is left to be collected. */
    if (f->n_held == 0)
        return f->done ? 0 : first->step(first->ctx, wait, err);
    send_held(f);
    first->step(first->ctx, 0, NULL);    /* its end is told when nothing is held any more */
    /* Short steps: two transports share one thread, and neither may make the other wait for its replies. */
    if (second->step(second->ctx, fmin(wait, 0.05), &why) < 0) {
        if (!f->lost && !f->draining)
            log_note("%s; what the first judge filters stays so", why.text);
        f->lost = true;
        let_go(f, true);                 /* also what it was asked: no reply will come */
    }
    return 0;
}

static const struct call_record *lend(struct fallback *f, struct kept *k, const struct call_record *r)
{
    f->lent = k;
    return r;
}

/* What the second said, with what both took; where it failed the first's word stands. */
static const struct call_record *join(struct fallback *f, struct kept *k, const struct call_record *second)
{
    const struct call_record *first = k->record;
    struct call_record *r = &f->joined;
    bool failed = second->status == CALL_FAILED;
    *r = failed ? *first : *second;
    r->judge = failed ? NULL : f->o.name; /* NULL also lets the next start ask the second once more */
    r->tokens_in = first->tokens_in + second->tokens_in;
    r->tokens_out = first->tokens_out + second->tokens_out;
    r->tokens_estimated = first->tokens_estimated || second->tokens_estimated;
    r->cost = first->cost < 0 || second->cost < 0 ? -1 : first->cost + second->cost; /* one unknown makes the sum unknown */
    r->tries = first->tries + second->tries;
    r->seconds = first->seconds + second->seconds;
    return lend(f, k, r);
}

static const struct call_record *collect(void *ctx)
{
    struct fallback *f = ctx;
    struct transport *first = f->o.first, *second = f->o.second;
    const struct call_record *r;
    kept_free(f->lent);
    f->lent = NULL;
    if (f->done) {
        struct kept *k = unlink_kept(&f->done);
        return lend(f, k, k->record);
    }
    while ((r = first->collect(first->ctx))) {
        struct kept **p = find(f, r);
        /* Held, not handed out: whoever collects must never see two records of one call. */
        if (r->status == CALL_FILTERED && !f->lost && !f->draining)
            hold(f, *p, r);
        if (!(*p)->record)
            return lend(f, unlink_kept(p), r);
    }
    if ((r = second->collect(second->ctx))) {
        struct kept *k = unlink_kept(find(f, r));
        f->n_held--;
        return join(f, k, r);
    }
    return NULL;
}

static void drain(void *ctx)
{
    struct fallback *f = ctx;
    struct transport *both[] = { f->o.first, f->o.second };
    f->draining = true;
    let_go(f, false);                    /* what was sent is paid for, and is waited for */
    for (int i = 0; i < 2; i++)
        if (both[i]->drain)
            both[i]->drain(both[i]->ctx);
}

static void destroy(void *ctx)
{
    struct fallback *f = ctx;
    f->o.first->destroy(f->o.first->ctx); /* the fallback owns both */
    f->o.second->destroy(f->o.second->ctx);
    kept_free(f->lent);
    while (f->done)
        kept_free(unlink_kept(&f->done));
    while (f->kept)
        kept_free(unlink_kept(&f->kept));
    free(f);
}

struct transport *fallback_create(const struct fallback_opts *o)
{
    struct fallback *f = xcalloc(1, sizeof *f);
    f->o = *o;
    f->transport =
        (struct transport){.ctx = f, .room = room, .submit = submit, .step = step, .collect = collect, .drain = drain, .destroy = destroy};
    return &f->transport;
}
