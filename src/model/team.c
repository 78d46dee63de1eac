/* team.c - one step on all members of a replica. Member 0's process tells the others what to do, as messages; those that live here hear
 * them on threads of their own, those of other ranks in team_follow(), and both obey alike. */
#include "mtbench/team.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct member {
    struct model *m;
    struct comm *comm;
    struct forward *forward;
    struct kv_view kv;
    struct buf message;                   /* what it is told to do */
    struct seq_run *run;                  /* (max_rows) of a step that it is told */
    struct sampling *nothing;             /* (max_out) how it draws: not at all */
    pthread_t thread;
    bool runs;                            /* the thread */
};

struct team {
    struct member member[COMM_MAX];
    int n;
    bool crowded;
    bool (*interrupted)(void *ctx);
    void *ctx;
    double patience;
    double told;                          /* when member 0 told others something, seconds of clock_now() */
    struct comm_wait silence;             /* where others are told: for how long this rank has listened in vain */
    struct team_sizes sizes;
    struct buf command;                   /* that member 0 gives */
    const float *logits;                  /* of the last step */
};

/* ---- what members are told ---- */

enum kind { TELL_NOTHING, TELL_STEP, TELL_COPY, TELL_END };

/* Followed, for a step, by tokens (n_rows), runs, each with its page table, and rows that draw (n_out): int32 all of it. */
struct command {
    int32_t kind, n_rows, n_runs, n_out;
    int32_t dst, src;                     /* pages */
};

struct told_run {
    int32_t first_row, n_rows, pos, n_pages;
};

static int pages_of(const struct seq_run *r)
{
    return (r->pos + r->n_rows + KV_PAGE - 1) / KV_PAGE;
}

static void write_step(struct buf *b, const struct step *s)
{
    const struct command head = { .kind = TELL_STEP, .n_rows = s->n_rows, .n_runs = s->n_runs, .n_out = s->n_out };
    buf_clear(b);
    buf_add(b, &head, sizeof head);
    buf_add(b, s->token, (size_t)s->n_rows * sizeof *s->token);
    for (int i = 0; i < s->n_runs; i++) {
        const struct seq_run *r = &s->run[i];
        const struct told_run run = { r->first_row, r->n_rows, r->pos, pages_of(r) };
        buf_add(b, &run, sizeof run);
        buf_add(b, r->page, (size_t)run.n_pages * sizeof *r->page);
    }
    if (s->n_out > 0)
        buf_add(b, s->out_row, (size_t)s->n_out * sizeof *s->out_row);
}

/* The step lies in the message; only runs have another form. */
static struct step read_step(const struct member *w)
{
    const struct command *head = (const void *)w->message.data;
    const int32_t *at = (const int32_t *)(const void *)(head + 1);
    struct step s = { .n_rows = head->n_rows, .token = at, .n_runs = head->n_runs, .run = w->run, .n_out = head->n_out, .how = w->nothing };
    at += s.n_rows;
    for (int i = 0; i < s.n_runs; i++) {
        const struct told_run *r = (const void *)at;
        at += sizeof *r / sizeof *at;
        w->run[i] = (struct seq_run){ .first_row = r->first_row, .n_rows = r->n_rows, .pos = r->pos, .page = at };
        at += r->n_pages;
    }
    s.out_row = at;
    return s;
}

static void copy_page(const struct member *w, int32_t dst, int32_t src)
{
    const size_t bytes = w->m->ops->kv_page_bytes(w->kv.n_layers, w->kv.n_kv, w->kv.head_dim);
    char *base = w->kv.base;
    w->m->ops->copy(w->m->be, base + bytes * (size_t)dst, base + bytes * (size_t)src, bytes);
}

/* What the message says. TEAM_FOLLOWED, TEAM_ENDED, -1: the group failed. */
static int obey(struct member *w)
{
    const struct command *head = (const void *)w->message.data;
    struct err err;
    int32_t none[1];
    if (head->kind == TELL_END)
        return TEAM_ENDED;
    if (head->kind == TELL_NOTHING)       /* a sign of life */
        return TEAM_FOLLOWED;
    if (head->kind == TELL_COPY) {
        copy_page(w, head->dst, head->src);
        return TEAM_FOLLOWED;
    }
    const struct step s = read_step(w);
    if (!forward_step(w->forward, &w->kv, &s))                                      /* interrupted, all of them, or failed */
        return comm_check(w->comm, &err) < 0 ? -1 : TEAM_FOLLOWED;
    if (forward_draw(w->forward, &s, none, &err) < 0)
        comm_fail(w->comm, &err);         /* the others wait for this member in the next sum */
    return comm_check(w->comm, &err) < 0 ? -1 : TEAM_FOLLOWED;
}

static void *member_main(void *arg)
{
    struct member *w = arg;
    while (comm_hear(w->comm, &w->message, true) == 1 && obey(w) == TEAM_FOLLOWED)
        continue;
    return NULL;
}

static struct comm *group(const struct team *t)
{
    return t->member[0].comm;
}

static void tell_bytes(struct team *t, const void *data, size_t n)
{
    t->told = clock_now();
    comm_tell(group(t), data, n);         /* a failure shows in the next sum */
}

static void tell(struct team *t, struct command c)
{
    tell_bytes(t, &c, sizeof c);
}

/* ---- create, sizes ---- */

struct team *team_create(const struct team_opts *o, struct err *err)
{
    struct team *t = xcalloc(1, sizeof *t);
    struct comm *comm[COMM_MAX] = { o->comm };
    *t = (struct team){ .n = o->n, .crowded = o->crowded, .interrupted = o->interrupted, .ctx = o->interrupt_ctx,
                        .patience = o->patience > 0 ? o->patience : COMM_PATIENCE };
    if (!o->comm && comm_threads(comm, o->n, &(struct comm_opts){ .crowded = o->crowded }, err) < 0) {
        free(t);
        return NULL;
    }
    for (int i = 0; i < t->n; i++)
        t->member[i] = (struct member){ .m = o->member[i], .comm = comm[i] };
    return t;
}

void team_destroy(struct team *t)
{
    if (!t)
        return;
    team_stop(t);
    for (int i = 0; i < t->n; i++)
        comm_close(t->member[i].comm);
    buf_free(&t->command);
    free(t);
}

const struct model *team_model(const struct team *t)
{
    return t->member[0].m;
}

bool team_leads(const struct team *t)
{
    return group(t)->rank == 0;
}

bool team_interrupted(const struct team *t)
{
    return t->interrupted && t->interrupted(t->ctx);
}

size_t team_weight_bytes(const struct team *t)
{
    size_t bytes = 0;
    for (int i = 0; i < t->n; i++)
        bytes += t->member[i].m->packed_bytes;
    return bytes;
}

size_t team_activation_bytes(const struct team *t, int max_rows, int max_out)
{
    size_t bytes = 0;
    for (int i = 0; i < t->n; i++)
        bytes += forward_bytes(t->member[i].m, max_rows, max_out);
    return bytes;
}

size_t team_rotation_bytes(const struct team *t, int max_tokens)
{
    return (size_t)t->n * model_rope_bytes(&team_model(t)->config, max_tokens);
}

static size_t page_bytes(const struct model *m)
{
    return m->ops->kv_page_bytes(m->config.n_layers, m->local.n_kv, m->config.head_dim);
}

size_t team_page_bytes(const struct team *t)
{
    size_t bytes = 0;
    for (int i = 0; i < t->n; i++)
        bytes += page_bytes(t->member[i].m);
    return bytes;
}

/* ---- start and stop ---- */

static int start_member(struct member *w, const struct team_sizes *s, struct err *err)
{
    struct model *m = w->m;
    w->kv = (struct kv_view){ .n_layers = m->config.n_layers, .n_kv = m->local.n_kv, .head_dim = m->config.head_dim };
    w->run = xcalloc((size_t)s->max_rows, sizeof *w->run);
    w->nothing = xcalloc((size_t)s->max_out, sizeof *w->nothing);
    for (int i = 0; i < s->max_out; i++)
        w->nothing[i] = (struct sampling){ .top_p = 1, .repetition_penalty = 1 };
    if (model_rope(m, s->max_tokens, err) < 0 || !(w->forward = forward_create(m, w->comm, s->max_rows, s->max_out, err)))
        return -1;
    if (!(w->kv.base = m->ops->alloc(m->be, page_bytes(m) * (size_t)s->n_pages, err)))
        return err_wrap(err, "KV cache of %d pages", s->n_pages);
    return 0;
}

int team_start(struct team *t, const struct team_sizes *s, struct err *err)
{
    t->sizes = *s;
    for (int i = 0; i < t->n; i++)
        if (start_member(&t->member[i], s, err) < 0)
            return -1;
    forward_ask(t->member[0].forward, t->interrupted, t->ctx);                      /* on the caller's thread; one word is enough */
    for (int i = 1; i < t->n; i++) {
        struct member *w = &t->member[i];
        if ((errno = pthread_create(&w->thread, NULL, member_main, w)) != 0)
            return err_errno(err, "a thread for member %d of %d cannot be started", i, t->n);
        w->runs = true;
    }
    return 0;
}

static void stop_member(struct member *w, const struct team_sizes *s)
{
    forward_destroy(w->forward);
    if (w->kv.base)
        w->m->ops->release(w->m->be, w->kv.base, page_bytes(w->m) * (size_t)s->n_pages);
    free(w->run);
    free(w->nothing);
    buf_free(&w->message);
    *w = (struct member){ .m = w->m, .comm = w->comm };
}

void team_stop(struct team *t)
{
    bool threads = false;
    for (int i = 1; i < t->n; i++)
        threads |= t->member[i].runs;
    if (threads)
        tell(t, (struct command){ .kind = TELL_END });
    for (int i = 1; i < t->n; i++)
        if (t->member[i].runs)
            pthread_join(t->member[i].thread, NULL);
    for (int i = 0; i < t->n; i++)
        stop_member(&t->member[i], &t->sizes);
}

/* ---- where member 0 is ---- */

/* A backend whose layers are not done when their calls return is asked before the others are told of the step. */
static bool asked_before(const struct team *t)
{
    return !team_model(t)->ops->synchronous && team_interrupted(t);
}

static void tell_step(struct team *t, const struct step *s)
{
    if (group(t)->size == 1)
        return;
    write_step(&t->command, s);
    tell_bytes(t, t->command.data, t->command.len);
}

int team_step(struct team *t, const struct step *s, struct err *err)
{
    struct member *w = &t->member[0];
    if (asked_before(t))
        return 0;
    tell_step(t, s);
    t->logits = forward_step(w->forward, &w->kv, s);
    if (comm_check(w->comm, err) < 0)
        return -1;
    return t->logits != NULL;
}

void team_logits(struct team *t, int i, float *host)
{
    const struct model *m = team_model(t);
    const size_t n = (size_t)m->config.n_vocab;
    m->ops->download(m->be, host, t->logits + (size_t)i * n, n * sizeof *host);
}

int team_draw(struct team *t, const struct step *s, int32_t *token, struct err *err)
{
    struct member *w = &t->member[0];
    if (forward_draw(w->forward, s, token, err) == 0)
        return 0;
    comm_fail(w->comm, err);              /* the others need not wait for what will not come */
    return -1;
}

void team_copy_page(struct team *t, int32_t dst, int32_t src)
{
    tell(t, (struct command){ .kind = TELL_COPY, .dst = dst, .src = src });
    copy_page(&t->member[0], dst, src);
}

bool team_find_fault(struct team *t, const struct step *s, struct forward_fault *fault)
{
    struct member *w = &t->member[0];
    if (asked_before(t))
        return false;
    tell_step(t, s);
    return forward_find_fault(w->forward, &w->kv, s, fault);
}

static const double beat = 1;             /* seconds */

static bool others_follow(const struct team *t)
{
    return t->n == 1 && group(t)->size > 1;
}

int team_beat(struct team *t, struct err *err)
{
    if (!others_follow(t))
        return 0;
    if (clock_now() - t->told > beat)
        tell(t, (struct command){ .kind = TELL_NOTHING });
    return comm_check(group(t), err);
}

void team_end(struct team *t)
{
    if (t->n == 1)                        /* threads are the team's own, and end with it */
        tell(t, (struct command){ .kind = TELL_END });
}

/* ---- on ranks without it ---- */

enum { LOOKS = 200, NAP = 50000, SILENCES = 5 };                       /* ns; of the patience */
static const double look_for = 2e-3;      /* seconds: more than lies between two steps */

/* Nothing was heard. */
static int bear_silence(struct team *t, struct err *err)
{
    if (!comm_out_of_patience(&t->silence, &(struct comm_opts){ .patience = SILENCES * t->patience }))
        return TEAM_IDLE;
    err_set(err, ERR_DEVICE, "tensor group: member 0 of %d has been silent for %g s; it is lost or hangs, start again to go on with what "
            "is finished", group(t)->size, SILENCES * t->patience);
    comm_fail(group(t), err);
    return -1;
}

int team_follow(struct team *t, struct err *err)
{
    struct member *w = &t->member[0];
    const double begun = clock_now();
    int rc;
    for (int i = 0; (rc = comm_hear(w->comm, &w->message, false)) == 0 && clock_now() - begun < look_for; i++)
        if (i < LOOKS && !t->crowded)
            sched_yield();
        else
            nanosleep(&(struct timespec){ .tv_nsec = NAP }, NULL);
    if (rc == 0)
        return bear_silence(t, err);
    t->silence = (struct comm_wait){ 0 };
    if (rc == 1)
        rc = obey(w);
    return rc < 0 ? comm_check(w->comm, err) : rc;
}
