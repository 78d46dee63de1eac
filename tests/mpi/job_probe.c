/* job_probe.c - a small program over the job room, driven by tests/run/job.t under mpirun.
 * Its workers sleep instead of computing; what rank 0 prints must not depend on the number of ranks. */
#include "mtbench/clock.h"
#include "mtbench/deal.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/layout.h"
#include "mtbench/memory.h"
#include "mtbench/rig.h"
#include "mtbench/shared.h"
#include "mtbench/stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct record { int item, part; char text[6000]; };      /* longer than MPI sends eagerly */

static unsigned mix(unsigned x)
{
    x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ x >> 16;
}

static unsigned long long text_sum(const struct record *r)
{
    unsigned long long h = 1469598103934665603ull;
    for (size_t i = 0; i < sizeof r->text; i++)
        h = (h ^ (unsigned char)r->text[i]) * 1099511628211ull;
    return h;
}

static struct record make(int item, int part)
{
    struct record r = { .item = item, .part = part };
    for (size_t i = 0; i < sizeof r.text; i++)
        r.text[i] = (char)mix((unsigned)(item * 2 + part) * 6151u + (unsigned)i);
    return r;
}

/* What one rank works on: up to 4 items at once, each of some steps, with a record half way and at the end. */
struct hand { int item, left; };

static int steps_of(int item)
{
    return 2 + (int)(mix((unsigned)item) % 8);
}

struct probe {
    struct job *job;
    struct deal *d;
    struct hand hand[4];
    int n_hand, n_started, n_received, fail_rank, signal_rank, steps;
    int *seen;
    unsigned long long sum;
    bool left;
};

/* The script waits for a file of every rank in the folder BEGUN before it sends its signals: then the handlers stand. */
static void say_begun(const struct probe *p)
{
    char path[4096];
    if (!getenv("BEGUN"))
        return;
    snprintf(path, sizeof path, "%s/%d", getenv("BEGUN"), job_info(p->job).rank);
    FILE *f = fopen(path, "w");
    if (f)
        fclose(f);
}

static void step(struct probe *p)
{
    usleep(1000);
    if (p->steps == 0)
        say_begun(p);
    for (int i = 0; i < p->n_hand; i++) {
        struct hand *h = &p->hand[i];
        if (--h->left == steps_of(h->item) / 2 || h->left == 0) {
            struct record r = make(h->item, h->left == 0);
            deal_send(p->d, &r, sizeof r);
        }
        if (h->left == 0) {
            deal_done(p->d, h->item);
            *h = p->hand[--p->n_hand];
            i--;
        }
    }
    p->steps++;
}

static void collect(struct probe *p)
{
    const void *data;
    size_t n;
    int from;
    while (deal_receive(p->d, &data, &n, &from)) {
        const struct record *r = data;
        p->seen[r->item * 2 + r->part]++;
        p->sum += text_sum(r) * (unsigned)(r->item * 2 + r->part + 1);
        p->n_received++;
    }
}

static int work(struct probe *p, struct err *err)
{
    enum deal_state s;
    int rc = 0, rank = job_info(p->job).rank;
    while ((s = deal_poll(p->d)) != DEAL_OVER) {
        collect(p);
        if (rc == 0 && rank == p->fail_rank && p->steps == 5) {
            rc = err_set(err, ERR_IO, "disk: is full; make room");
            job_fail(p->job, err);
        }
        if (rank == p->signal_rank && p->steps == 5) {
            p->steps++;
            raise(SIGUSR1);
        }
        if ((s == DEAL_STOPPING || rc < 0) && !p->left) {
            p->left = true;
            p->n_hand = 0;
            deal_leave(p->d);
        }
        deal_want(p->d, p->left ? 0 : 4 - p->n_hand);
        for (int item; p->n_hand < 4 && (item = deal_next(p->d)) >= 0; p->n_started++)
            p->hand[p->n_hand++] = (struct hand){ item, steps_of(item) };
        if (p->n_hand == 0)
            deal_idle(p->d);
        else
            step(p);
    }
    collect(p);
    return rc;
}

static int probe_deal(struct job *job, int n, int fail_rank, int signal_rank, struct err *err)
{
    struct probe p = { .job = job, .fail_rank = fail_rank, .signal_rank = signal_rank };
    double *cost = xcalloc((size_t)n + 1, sizeof *cost);
    int once = 0;
    p.seen = xcalloc((size_t)n * 2 + 1, sizeof *p.seen);
    for (int i = 0; i < n; i++)
        cost[i] = steps_of(i);
    p.d = deal_create(job, &(struct deal_opts){ .n_items = n, .cost = cost, .want = 4, .paced = true });
    deal_pace(p.d, job_info(job).rank % 2 ? 2 : 1, 0.1);
    int rc = job_agree(job, work(&p, err), err);
    uint64_t busiest = job_max(job, (uint64_t)p.n_started);
    if (job_info(job).rank == 0 && rc == 0) {
        for (int i = 0; i < 2 * n; i++)
            once += p.seen[i] == 1;
        if (job_poll(job) == JOB_STOPPED)
            printf("stopped, %s records, done %s\n", once == p.n_received ? "no double" : "DOUBLE",
                   deal_n_done(p.d) < n ? "a part" : "everything");
        else
            printf("items %d once %d sum %llx\n", n, once / 2, p.sum);
        fprintf(stderr, "busiest %d\n", (int)busiest);
    }
    deal_destroy(p.d);
    free(p.seen);
    free(cost);
    return rc;
}

/* Rank 0 has one item that takes two seconds; what the idle ranks burn meanwhile. */
static int probe_idle(struct job *job)
{
    struct deal *d = deal_create(job, &(struct deal_opts){ .n_items = 1, .want = 1 });
    struct rusage a, b;
    int item = DEAL_NONE;
    getrusage(RUSAGE_SELF, &a);
    double start = clock_now();
    while (deal_idle(d) != DEAL_OVER) {
        item = item == DEAL_NONE ? deal_next(d) : item;
        if (item != DEAL_NONE && clock_now() - start > 2)
            deal_done(d, item);
    }
    getrusage(RUSAGE_SELF, &b);
    uint64_t us = (uint64_t)(b.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_utime.tv_sec - a.ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(b.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_utime.tv_usec - a.ru_stime.tv_usec);
    us = job_max(job, us);
    if (job_info(job).rank == 0)
        printf("idle ranks burn %llu ms in 2000\n", (unsigned long long)us / 1000);
    deal_destroy(d);
    return 0;
}

/* What a rank of the stage probe does out of turn: numbers of ranks in the environment; nobody: absent. */
static bool named(const char *name, int rank)
{
    const char *at = getenv(name);
    return at && atoi(at) == rank;
}

/* All files one after the other; half way the rank may fail, or be told to stop. */
static int load(struct job *job, const struct source *src, unsigned char *to, struct err *err)
{
    const int rank = job_info(job).rank;
    size_t at = 0, bytes = 0;
    for (int f = 0; f < src->n_files; f++)
        bytes += (size_t)src->size[f];
    bool begun = false;
    for (int f = 0; f < src->n_files; f++)
        for (uint64_t off = 0; off < src->size[f];) {
            size_t n = 3000001;                                          /* pieces across the edges of chunks */
            if (n > src->size[f] - off)
                n = (size_t)(src->size[f] - off);
            if (named("SLOW", rank))
                usleep(20000);
            if (!begun && at > bytes / 2) {
                begun = true;
                if (named("STOP", rank))
                    raise(SIGUSR1);
                if (named("FAIL", rank))
                    return err_set(err, ERR_MEMORY, "packing: rank %d has no room; make some", rank);
            }
            if (src->read(src->ctx, f, off, to ? to + at : NULL, n, err) < 0)
                return -1;
            off += n;
            at += n;
        }
    return 0;
}

static uint64_t sum_of(const unsigned char *p, size_t n)
{
    uint64_t h = 0;
    for (size_t i = 0; i < n; i++)
        h = h * 31 + p[i];
    return h;
}

/* Header by all; the rest by the leaders into shared memory, which every rank then sums, or by every rank for itself. */
static int probe_stage(struct job *job, char **path, int n, enum stage_takers who, struct err *err)
{
    struct job_info in = job_info(job);
    const char *spoil = getenv("SPOIL");
    struct stage *st = stage_open(job, (const char *const *)path, in.rank == 0 ? n : 0, err);
    struct layout *layout = layout_create(job, getenv("THREADS") ? atoi(getenv("THREADS")) : 0);
    struct shared *s = NULL;
    unsigned char *own = NULL;
    char hex[65], head[100];
    int rc = -1;
    if (!st)
        goto out;
    const struct source *m = stage_metadata(st);
    uint64_t bytes = stage_stats(st).file_bytes;
    if (m->read(m->ctx, 0, 5, head, sizeof head, err) < 0 || m->read(m->ctx, 0, 0, head, 50, err) < 0 ||
        !(s = shared_create(job, bytes, err)))
        goto out;
    own = who == STAGE_EVERYONE ? xcalloc(bytes + 1, 1) : shared_base(s);
    if (spoil && in.rank == 0 && truncate(path[0], (off_t)atol(spoil)) < 0)
        goto out;
    double start = clock_now();
    if (stage_weights_begin(st, who, layout, err) < 0)
        goto out;
    int loaded = who == STAGE_LEADERS && in.local_rank > 0 ? 0 : load(job, stage_weights(st), named("PASS", in.rank) ? NULL : own, err);
    loaded = stage_weights_end(st, loaded);
    if (job_agree(job, loaded, err) < 0)
        goto out;
    double seconds = clock_now() - start;
    uint64_t mine = named("PASS", in.rank) ? 0 : sum_of(own, bytes), most = job_max(job, mine);
    if (job_agree(job, mine == most || named("PASS", in.rank) ? 0 : err_set(err, ERR_IO, "ranks see different weights"), err) < 0 ||
        stage_digest(st, hex, err) < 0)
        goto out;
    struct stage_stats stats = stage_stats(st);
    if (in.rank == 0)
        fprintf(stderr, "%.0f ms, %.2f GB/s\n", seconds * 1e3, (double)bytes / 1e9 / seconds);
    if (in.rank == 0)
        printf("sum %llx digest %s read %llu of %llu\n", (unsigned long long)most, hex, (unsigned long long)stats.bytes_read,
               (unsigned long long)stats.file_bytes);
    rc = 0;
out:
    if (who == STAGE_EVERYONE)
        free(own);
    shared_destroy(s);
    stage_close(st);
    layout_destroy(layout);
    return rc;
}

static int probe_layout(struct job *job, int threads)
{
    struct job_info in = job_info(job);
    struct layout *l = layout_create(job, threads);
    char line[200], *all = xcalloc((size_t)in.size, sizeof line);
    snprintf(line, sizeof line, "rank %d/%d local %d/%d node %d/%d threads %d cpu %d%s cores %d", in.rank, in.size, in.local_rank,
             in.local_size, in.node, in.n_nodes, l->n_threads, l->cpu ? l->cpu[0] : -1, l->oversubscribed ? " oversubscribed" : "",
             l->node_cores);
    job_gather(job, line, sizeof line, all);
    for (int r = 0; in.rank == 0 && r < in.size; r++)
        puts(all + (size_t)r * sizeof line);
    free(all);
    layout_destroy(l);
    return 0;
}

/* Every rank sends records of very different sizes, numbered: MPI is done with a short one long before a long one that left earlier. Rank 0
 * sleeps first, so that what the others may have on their way is felt. */
static int probe_records(struct job *job, int n, struct err *err)
{
    enum { LONG = 1 << 20 };
    int rank = job_info(job).rank, size = job_info(job).size, wrong = 0, got = 0, *next = xcalloc((size_t)size, sizeof *next);
    char *bytes = xcalloc(LONG, 1);
    uint64_t before = memory_peak();
    struct deal *d = deal_create(job, &(struct deal_opts){ .n_items = size, .want = 1 });
    bool sent = false;
    enum deal_state state;
    if (rank == 0)
        sleep(1);
    do {
        const void *data;
        size_t len;
        int from, item;
        state = deal_poll(d);
        deal_want(d, sent ? 0 : 1);
        while ((item = deal_next(d)) != DEAL_NONE) {
            for (int i = 0; i < n; i++) {
                memcpy(bytes, &i, sizeof i);
                deal_send(d, bytes, i % 3 ? sizeof i : LONG);
            }
            deal_done(d, item);
            sent = true;
        }
        for (; deal_receive(d, &data, &len, &from); got++) {
            int number;
            memcpy(&number, data, sizeof number);
            wrong += number != next[from];
            next[from] = number + 1 == n ? 0 : number + 1;
        }
        if (state != DEAL_OVER)
            deal_idle(d);
    } while (state != DEAL_OVER);
    uint64_t grown = job_max(job, rank ? memory_peak() - before : 0);
    if (rank == 0)
        printf("records %d of %d, %d out of order, a sender grew by %d MB\n", got, n * size, wrong, (int)(grown >> 20));
    deal_destroy(d);
    free(next);
    free(bytes);
    (void)err;
    return 0;
}

/* A rig whose template cannot be had on one rank alone. */
static int probe_rig(struct job *job, const char *model, int bad_rank, struct err *err)
{
    struct rig r;
    struct rig_opts o = { .model_path = model, .model_id = "m", .max_batch = 1, .devices = { .device = DEVICE_CPU },
                          .chat_template = job_info(job).rank == bad_rank ? "nonsense" : "zero_shot" };
    int rc = rig_open(&r, job, &o, err);
    rig_close(&r);
    return rc;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct job *job = job_start(&argc, &argv, &err);
    int rc = -1;
    const char *what = argc > 1 ? argv[1] : "";
    if (!job) {
        if (*err.text)
            log_error("%s", err.text);
        return 1;
    }
    int arg = argc > 2 ? atoi(argv[2]) : 0, arg2 = argc > 3 ? atoi(argv[3]) : -1;
    if (!strcmp(what, "deal"))
        rc = probe_deal(job, arg, -1, -1, &err);
    else if (!strcmp(what, "fail"))
        rc = probe_deal(job, arg, arg2, -1, &err);
    else if (!strcmp(what, "signal"))
        rc = probe_deal(job, arg, -1, arg2, &err);
    else if (!strcmp(what, "stage"))
        rc = probe_stage(job, argv + 2, argc - 2, STAGE_LEADERS, &err);
    else if (!strcmp(what, "stage-all"))
        rc = probe_stage(job, argv + 2, argc - 2, STAGE_EVERYONE, &err);
    else if (!strcmp(what, "records"))
        rc = probe_records(job, arg, &err);
    else if (!strcmp(what, "rig"))
        rc = probe_rig(job, argv[2], arg2, &err);
    else if (!strcmp(what, "idle"))
        rc = probe_idle(job);
    else if (!strcmp(what, "layout"))
        rc = probe_layout(job, arg);
    else if (!strcmp(what, "memory"))
        rc = shared_create(job, (size_t)1 << 50, &err) ? 0 : -1;
    if (rc < 0 && job_info(job).rank == 0)
        log_error("%s", err.text);
    bool stopped = job_poll(job) == JOB_STOPPED;
    job_end(job);
    return rc < 0 ? 1 : stopped ? 75 : 0;
}
