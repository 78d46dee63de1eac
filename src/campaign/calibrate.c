/* calibrate.c - a short run of the crew whose answers nobody keeps. */
#include "mtbench/calibrate.h"

#include "mtbench/candidate.h"
#include "mtbench/clock.h"
#include "mtbench/crew.h"
#include "mtbench/forecast.h"

#include <stdio.h>
#include <string.h>

enum { TOKENS = 24 };                     /* of a beginning: many steps, few of them with prompts */

struct trial {
    struct rig rig;
    struct questions qs;
    struct forecast *forecast;           /* of this rank's steps; only what they cost is asked of it */
};

static void put_nothing(void *ctx, int item, const struct turn_record *t, const struct feed *feed, struct buf *out)
{
    (void)ctx, (void)item, (void)t, (void)feed;
    buf_str(out, "-");
}

static int forget(void *ctx, struct crew *c, struct err *err)
{
    const void *data;
    size_t n;
    int from;
    (void)ctx, (void)err;
    while (deal_receive(crew_deal(c), &data, &n, &from))
        ;
    return 0;
}

static void watch_step(void *ctx, double seconds, const struct engine_stats *then, const struct engine_stats *now)
{
    const struct trial *t = ctx;
    forecast_steps(t->forecast, seconds, (long)(now->steps - then->steps), (long)(now->rows - then->rows),
                   (long)(now->new_tokens - then->new_tokens));
}

/* Collective: the first turns of so many questions. */
static int answer_some(struct trial *t, struct job *job, const struct answer_opts *o, int n, struct err *err)
{
    struct crew_item *item = NULL;
    int n_items = 0;
    for (int i = 0; i < n; i++)
        crew_add(&item, &n_items, i, 0, 0, NULL);
    const int rc = crew_work(&(struct crew_opts){
        .job = job, .rig = &t->rig, .bench_name = o->bench_name, .question = t->qs.q, .item = item, .n_items = n, .one_turn = true,
        .sampling = sampler_common(&o->sampler, &t->rig.model->config),
        .max_new_token = o->max_new_token < TOKENS ? o->max_new_token : TOKENS,
        .max_batch = o->max_batch, .seed = (uint64_t)o->seed, .ctx = t, .put = put_nothing, .round = forget, .stepped = watch_step,
    }, err);
    crew_items_free(item, n_items);
    return rc;
}

/* Twice as many side by side each time: what a step costs, and what a row, shows by their difference. */
static int work(struct trial *t, struct job *job, const struct answer_opts *o, double seconds, struct err *err)
{
    const double begun = clock_now();
    double passed = 0;
    int rc = 0;
    for (int n = t->rig.place.n_replicas; rc == 0 && passed < seconds; n *= 2) {
        n = n < t->qs.n ? n : t->qs.n;
        if ((rc = answer_some(t, job, o, n, err)) == 0 && job_poll(job) != JOB_RUNNING)
            rc = err_set(err, ERR_CANCELLED, "--calibrate: interrupted");
        rc = job_agree(job, rc, err);
        passed = clock_now() - begun;
        job_bcast(job, &passed, sizeof passed);              /* one clock says for all when it is enough */
    }
    return rc;
}

/* Rank 0. */
static int conclude(const struct trial *t, double load, struct speed *out, struct err *err)
{
    *out = (struct speed){ .threads = t->rig.n_threads, .members = t->rig.place.size, .load = load };
    snprintf(out->model, sizeof out->model, "%s", t->rig.header_sha256);
    snprintf(out->device, sizeof out->device, "%s", t->rig.isa);
    if (!forecast_costs(t->forecast, &out->step, &out->row, &out->context) || out->step + out->row <= 0)
        return err_set(err, ERR_USAGE, "--calibrate: too few steps to tell; give more seconds or a larger --max-new-token");
    return 0;
}

int calibrate(struct job *job, const struct answer_opts *o, double seconds, struct speed *out, struct err *err)
{
    const double begun = clock_now();
    const int one = 1;
    struct trial t = { .forecast = forecast_create(1, &one, TOKENS, TOKENS, 1) };
    struct rig_opts ro;
    int rc = answer_open(job, o, &t.qs, &t.rig, &ro, err);
    if (rc == 0) {
        ro.scratch = NULL;               /* a plan leaves nothing behind */
        ro.max_batch = ro.max_batch < t.qs.n ? ro.max_batch : t.qs.n;
        rc = rig_start(&t.rig, &ro, err);
    }
    const double load = clock_now() - begun;
    if (rc == 0)
        rc = work(&t, job, o, seconds, err);
    if (rc == 0)
        rc = job_agree(job, job_info(job).rank == 0 ? conclude(&t, load, out, err) : 0, err);
    rig_close(&t.rig);
    questions_free(&t.qs);
    forecast_destroy(t.forecast);
    return rc;
}
