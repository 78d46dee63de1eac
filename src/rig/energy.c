/* energy.c - counters of this rank's node and cards, and what they say together. */
#include "mtbench/energy.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"
#include "mtbench/nvml.h"
#include "mtbench/rapl.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_EVERY = 20 };                /* seconds: counters must not go round unseen while weights are read or judges write */

struct mine {                            /* what each rank tells all others */
    int node, replica;
    bool leads;
    int n;                               /* cards */
    char id[PLACEMENT_MEMBERS][64];
};

struct energy {
    struct job *job;
    struct rapl *rapl;                   /* NULL: not told */
    struct nvml *card[PLACEMENT_MEMBERS];
    double part[PLACEMENT_MEMBERS];      /* of a card: 1 over the ranks that drive it */
    int n_cards;
    bool gpu;                            /* cards compute */
    int engines;                         /* of this node; 0: this rank's replica is on several nodes, and nothing can be told apart */
    double cpu, gpu_joules;              /* as read last */
    int lost;                            /* looks that failed */
    double shared_cpu, shared_gpu;       /* given out by energy_share() */
    int shared_lost;
    struct err cpu_why, gpu_why;         /* why there are no counters */
    pthread_t looker;                    /* looks now and then, whatever the others are at */
    pthread_mutex_t lock;                /* of all that look() changes */
    pthread_cond_t over;
    bool has_looker, ended;
};

/* ---- who shares what ---- */

static bool drives(const struct mine *m, const char *id)
{
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->id[i], id))
            return true;
    return false;
}

static void divide(struct energy *e, const struct mine *all, const struct mine *me, int n_ranks)
{
    for (int r = 0; r < n_ranks; r++)
        e->engines += all[r].node == me->node && all[r].leads;
    for (int r = 0; r < n_ranks; r++)
        if (all[r].replica == me->replica && all[r].node != me->node)
            e->engines = 0;
    for (int i = 0; i < me->n; i++) {
        int users = 0;
        for (int r = 0; r < n_ranks; r++)
            users += all[r].node == me->node && drives(&all[r], me->id[i]);
        e->part[i] = 1.0 / users;
    }
}

static void look(struct energy *e);

static void *look_on(void *energy)
{
    struct energy *e = energy;
    pthread_mutex_lock(&e->lock);
    while (!e->ended) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += LOOK_EVERY;
        if (pthread_cond_timedwait(&e->over, &e->lock, &until) != 0 && !e->ended)
            look(e);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static void begin_looking(struct energy *e)
{
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->over, NULL);
    if (e->rapl)                         /* a card's counter does not wrap */
        e->has_looker = pthread_create(&e->looker, NULL, look_on, e) == 0;
}

static void end_looking(struct energy *e)
{
    pthread_mutex_lock(&e->lock);
    e->ended = true;
    pthread_cond_signal(&e->over);
    pthread_mutex_unlock(&e->lock);
    if (e->has_looker)
        pthread_join(e->looker, NULL);
    pthread_cond_destroy(&e->over);
    pthread_mutex_destroy(&e->lock);
}

struct energy *energy_open(struct job *job, const struct rig *r)
{
    const char *root = getenv("MTBENCH_TEST_POWERCAP");
    const struct job_info in = job_info(job);
    struct energy *e = xcalloc(1, sizeof *e);
    struct mine me = { .node = in.node, .replica = r->place.replica, .leads = placement_leads(&r->place) },
                *all = xcalloc((size_t)in.size, sizeof *all);
    *e = (struct energy){ .job = job, .gpu = r->executor->device_id != NULL };
    for (int i = 0; e->gpu && i < r->place.n; i++)
        r->executor->device_id(r->place.device[i], me.id[me.n++]);
    job_gather(job, &me, sizeof me, in.rank == 0 ? all : NULL);
    job_bcast(job, all, (size_t)in.size * sizeof *all);
    divide(e, all, &me, in.size);
    free(all);
    e->rapl = rapl_open(root ? root : RAPL_ROOT, &e->cpu_why);
    for (int i = 0; i < me.n; i++)
        if (!(e->card[e->n_cards++] = nvml_open(me.id[i], &e->gpu_why)))
            break;                       /* one that does not tell spoils the sum */
    begin_looking(e);
    return e;
}

void energy_close(struct energy *e)
{
    if (!e)
        return;
    end_looking(e);
    rapl_close(e->rapl);
    for (int i = 0; i < e->n_cards; i++)
        nvml_close(e->card[i]);
    free(e);
}

/* ---- looking ---- */

/* The lock is held. */
static void look(struct energy *e)
{
    double gpu = 0, joules;
    bool lost = e->rapl && rapl_read(e->rapl, &e->cpu, &e->cpu_why) < 0;
    for (int i = 0; i < e->n_cards && e->card[i]; i++) {
        if (nvml_read(e->card[i], &joules, &e->gpu_why) < 0)
            lost = true;
        else
            gpu += joules * e->part[i];
    }
    e->lost += lost;
    if (!lost)
        e->gpu_joules = gpu;
}

static bool cards_tell(const struct energy *e)
{
    return !e->gpu || !e->gpu_why.kind;
}

void energy_begin(struct energy *e, struct energy_phase *p)
{
    pthread_mutex_lock(&e->lock);
    const int lost = e->lost;            /* as before this look: one that fails leaves no beginning to count from */
    look(e);
    *p = (struct energy_phase){ .started = clock_unix(), .begun = clock_now(), .cpu = e->cpu, .gpu = e->gpu_joules, .lost = lost };
    pthread_mutex_unlock(&e->lock);
}

struct heard {
    double cpu, gpu;
    bool has_cpu, has_gpu;
    char reason[160];
};

static struct heard hear(struct energy *e, const struct energy_phase *p)
{
    const struct job_info in = job_info(e->job);
    const bool leader = in.local_rank == 0, kept = e->lost == p->lost;
    struct heard h = { .cpu = leader ? e->cpu - p->cpu : 0, .gpu = e->gpu_joules - p->gpu, .has_cpu = !leader || (e->rapl && kept),
                       .has_gpu = cards_tell(e) && kept };
    const struct err *why = !h.has_gpu && e->gpu_why.kind ? &e->gpu_why : &e->cpu_why;
    if (!h.has_cpu || !h.has_gpu)
        snprintf(h.reason, sizeof h.reason, "%.60s: %.90s", in.host, why->kind ? why->text : "a counter was lost");
    return h;
}

static const char *source_of(bool cpu, bool gpu)
{
    return cpu && gpu ? "RAPL+NVML" : gpu ? "NVML" : "RAPL";
}

void energy_end(struct energy *e, struct energy_phase *p)
{
    const struct job_info in = job_info(e->job);
    pthread_mutex_lock(&e->lock);
    look(e);
    const struct heard mine = hear(e, p);
    pthread_mutex_unlock(&e->lock);
    struct heard *all = xcalloc((size_t)in.size, sizeof *all), sum = { .has_cpu = true, .has_gpu = true };
    job_gather(e->job, &mine, sizeof mine, in.rank == 0 ? all : NULL);
    for (int r = in.size - 1; in.rank == 0 && r >= 0; r--) { /* downwards: the lowest rank's reason is told */
        sum.cpu += all[r].cpu;
        sum.gpu += all[r].gpu;
        sum.has_cpu &= all[r].has_cpu;
        sum.has_gpu &= all[r].has_gpu;
        if (*all[r].reason)
            memcpy(sum.reason, all[r].reason, sizeof sum.reason);
    }
    free(all);
    job_bcast(e->job, &sum, sizeof sum);
    p->seconds = clock_now() - p->begun;
    p->nodes = in.n_nodes;
    const double joules = (sum.has_cpu ? sum.cpu : 0) + (e->gpu ? sum.gpu : 0);
    const bool told = (e->gpu ? sum.has_gpu : sum.has_cpu) && joules > 0;
    p->joules = told ? joules : NAN;
    p->source = told ? source_of(sum.has_cpu, e->gpu) : NULL;
    if (!told)
        snprintf(p->reason, sizeof p->reason, "%s", *sum.reason ? sum.reason : "the counters stood still");
}

double energy_share(struct energy *e)
{
    pthread_mutex_lock(&e->lock);
    look(e);
    const double cpu = e->rapl && e->engines ? (e->cpu - e->shared_cpu) / e->engines : 0, gpu = e->gpu_joules - e->shared_gpu;
    const bool told = e->engines && e->lost == e->shared_lost && (e->gpu ? cards_tell(e) : e->rapl != NULL);
    e->shared_cpu = e->cpu;
    e->shared_gpu = e->gpu_joules;
    e->shared_lost = e->lost;
    pthread_mutex_unlock(&e->lock);
    return told ? cpu + gpu : NAN;
}
