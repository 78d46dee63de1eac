/* plan_time.c - conversations as they were or as they are likely to be, played by the simulation. */
#include "mtbench/plan_time.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/rng.h"
#include "mtbench/simulate.h"
#include "mtbench/typical.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DRAWS = 8 };                       /* of lengths that are not known */
static const double deviation = 0.75;      /* of the logarithm of a length from that of its median, in the published answers */
static const double usual_width = 20;     /* rows that a step costs, where no run has shown it */

struct batch {                           /* conversations to be played */
    int n;
    struct simulate_item *item;          /* (n) */
    struct simulate_turn *turn;          /* those of all, one behind the other */
    bool *stored;                        /* beside 'turn' */
    long n_turns, n_stored;
};

static void batch_free(struct batch *b)
{
    free(b->item);
    free(b->turn);
    free(b->stored);
}

static double most_tokens(const struct answer_opts *o, double n)
{
    return fmin(n, (double)o->max_new_token);
}

/* A turn of the batch: how much of its prompt no cache has, and how long its answer is. */
static void add_turn(struct batch *b, const struct answers_plan *p, const struct answer_opts *o, const struct question *q, int choice,
                     int turn)
{
    const struct turn_record *t = journal_find(p->journal, q->id, choice, turn);
    b->stored[b->n_turns] = t != NULL;
    b->n_stored += t != NULL;
    b->turn[b->n_turns++] = (struct simulate_turn){
        .prompt = answer_prompt_tokens(q) / q->n_turns,
        .tokens = t ? t->n_new : most_tokens(o, typical_tokens(q, turn)),
    };
}

/* The run's own dealer gets these. */
static void allow_for(struct batch *b, const struct answer_opts *o)
{
    double *steps = xcalloc((size_t)b->n + 1, sizeof *steps);
    int *turns = xcalloc((size_t)b->n + 1, sizeof *turns);
    for (int i = 0; i < b->n; i++) {
        steps[i] = b->item[i].steps;
        turns[i] = b->item[i].n_turns;
    }
    answer_allow_for(steps, turns, b->n, o->max_new_token);
    for (int i = 0; i < b->n; i++)
        b->item[i].steps = steps[i];
    free(turns);
    free(steps);
}

/* All conversations of the slice, or what is left of them. */
static int batch_fill(struct batch *b, bool left, const struct answers_plan *p, const struct answer_opts *o, const struct questions *qs,
                      struct err *err)
{
    size_t turns = 0;
    for (int i = 0; i < qs->n; i++)
        turns += (size_t)qs->q[i].n_turns * (size_t)o->num_choices;
    b->item = xcalloc((size_t)qs->n * (size_t)o->num_choices + 1, sizeof *b->item);
    b->turn = xcalloc(turns + 1, sizeof *b->turn);
    b->stored = xcalloc(turns + 1, sizeof *b->stored);
    for (int c = 0; c < o->num_choices; c++)
        for (int i = 0; i < qs->n; i++) {
            const struct question *q = &qs->q[i];
            const int done = left ? journal_count(p->journal, q->id, q->sha256, c, q->n_turns, err) : 0;
            struct simulate_turn *first = b->turn + b->n_turns;
            if (done < 0)
                return -1;
            if (done == q->n_turns)
                continue;
            for (int t = done; t < q->n_turns; t++)
                add_turn(b, p, o, q, c, t + 1);
            for (int t = 0; t < done; t++)           /* no cache has what an earlier start said */
                first->prompt += answer_prompt_tokens(q) / q->n_turns + journal_find(p->journal, q->id, c, t + 1)->n_new;
            b->item[b->n++] = (struct simulate_item){
                .n_turns = q->n_turns - done,
                .turn = first,
                .cost = answer_prompt_tokens(q) + (q->n_turns - done) * answer_expected_tokens(o, q),
                .steps = (q->n_turns - done) * answer_expected_tokens(o, q),
            };
        }
    allow_for(b, o);
    return 0;
}

/* One way that it may go: lengths that are not known vary as those of real models do. */
static void draw(struct batch *drawn, const struct batch *b, const struct answer_opts *o, int number)
{
    const uint32_t key[2] = { 14, (uint32_t)number };
    for (long i = 0; i < b->n_turns; i++) {
        const uint32_t counter[4] = { (uint32_t)i };
        uint32_t word[4];
        philox4x32(key, counter, word);
        const double u = 1 - (double)uniform24(word[0]), v = (double)uniform24(word[1]); /* u above 0 */
        const double normal = sqrt(-2 * log(u)) * cos(2 * M_PI * v);
        drawn->turn[i].tokens = b->stored[i] ? b->turn[i].tokens : fmax(1, most_tokens(o, b->turn[i].tokens * exp(deviation * normal)));
    }
}

struct played { double seconds, least, most, over, tokens, busy, busy_least; };

static struct played play(struct batch *b, const struct answer_opts *o, const struct simulate_opts *how)
{
    struct played all = { .least = INFINITY, .busy_least = INFINITY };
    struct simulate_rank *rank = xcalloc((size_t)how->n_ranks, sizeof *rank);
    struct batch drawn = *b;
    const int draws = b->n_stored == b->n_turns ? 1 : DRAWS;
    drawn.turn = xcalloc((size_t)b->n_turns + 1, sizeof *drawn.turn);
    memcpy(drawn.turn, b->turn, (size_t)b->n_turns * sizeof *drawn.turn);
    for (int i = 0; i < b->n; i++)
        b->item[i].turn = drawn.turn + (b->item[i].turn - b->turn);
    for (int k = 0; k < draws; k++) {
        draw(&drawn, b, o, k);
        const struct simulate_result r = simulate(how, rank);
        all.seconds += r.makespan / draws;
        all.tokens += r.tokens / draws;
        all.over += r.bound > 0 ? r.makespan / r.bound / draws : 1.0 / draws;
        all.least = fmin(all.least, r.makespan);
        all.most = fmax(all.most, r.makespan);
        for (int i = 0; i < how->n_ranks && r.makespan > 0; i++) {
            all.busy += rank[i].busy / r.makespan / draws / how->n_ranks;
            all.busy_least = fmin(all.busy_least, rank[i].busy / r.makespan);
        }
    }
    for (int i = 0; i < b->n; i++)
        b->item[i].turn = b->turn + (b->item[i].turn - drawn.turn);
    free(drawn.turn);
    free(rank);
    return all;
}

static struct simulate_opts opts_of(const struct batch *b, const struct speed *s, int engines, const struct answer_opts *o)
{
    const bool known = s->step + s->row > 0;
    return (struct simulate_opts){
        .n_items = b->n,
        .n_ranks = engines,
        .max_batch = (int)o->max_batch,
        .item = b->item,
        .cost = known ? (struct simulate_cost){ s->step, s->row, s->context } : (struct simulate_cost){ usual_width, 1, 0 },
    };
}

/* ---- what an earlier run left ---- */

static void layout_of(struct speed *s, const struct rig *r)
{
    snprintf(s->model, sizeof s->model, "%s", r->header_sha256);
    snprintf(s->device, sizeof s->device, "%s", r->isa);
    s->threads = r->n_threads;
    s->members = r->place.size;
}

static int read_speed(struct plan_time *t, const struct answer_opts *o, const struct rig *r, struct err *err)
{
    struct speed here = { 0 };
    struct buf b = { 0 };
    char *answers = answer_opts_path(o), *path = speed_path(answers);
    int rc = 0;
    layout_of(&here, r);
    if (access(path, F_OK) == 0 && (rc = io_read(path, &b, err)) == 0 && (rc = speed_parse(b.data, b.len, &t->speed, err)) < 0)
        err_advise(err, "delete %s, the next run makes it anew", path);
    if (rc == 0 && speed_fits(&t->speed, &here)) {
        t->source = xasprintf("the steps of the last run in this layout (%s)", path);
    } else {
        t->speed = (struct speed){ 0 };
    }
    buf_free(&b);
    free(path);
    free(answers);
    return rc;
}

int plan_time(struct plan_time *t, const struct answers_plan *p, const struct answer_opts *o, const struct questions *qs,
              const struct rig *r, const struct speed *measured, struct err *err)
{
    struct batch b = { 0 };
    *t = (struct plan_time){ 0 };
    if (measured)
        *t = (struct plan_time){ .speed = *measured, .source = xstrdup("the steps of --calibrate") };
    int rc = measured ? 0 : read_speed(t, o, r, err);
    if (rc == 0 && t->source && (rc = batch_fill(&b, true, p, o, qs, err)) == 0 && b.n > 0) {
        const struct simulate_opts how = opts_of(&b, &t->speed, r->place.n_replicas, o);
        t->seconds = play(&b, o, &how).seconds;
    }
    batch_free(&b);
    return rc;
}

void plan_time_free(struct plan_time *t)
{
    free(t->source);
    *t = (struct plan_time){ 0 };
}

int plan_simulate(struct plan_simulation *s, int ranks, const struct plan_time *t, const struct answers_plan *p,
                  const struct answer_opts *o, const struct questions *qs, const struct rig *r, struct err *err)
{
    struct batch b = { 0 };
    const int shared = r->place.size / r->place.n;           /* ranks that one model lies on */
    if (ranks < 1 || ranks % shared != 0)
        return err_set(err, ERR_USAGE, "--simulate %d: is no multiple of the %d rank%s that a model lies on", ranks, shared,
                       shared == 1 ? "" : "s");
    int rc = batch_fill(&b, false, p, o, qs, err);
    if (rc == 0) {
        const struct simulate_opts one = opts_of(&b, &t->speed, 1, o), all = opts_of(&b, &t->speed, ranks / shared, o);
        const struct played alone = play(&b, o, &one), many = play(&b, o, &all);
        *s = (struct plan_simulation){
            .ranks = ranks, .engines = ranks / shared, .turns = b.n_turns, .stored = b.n_stored, .tokens = many.tokens,
            .seconds = many.seconds, .least = many.least, .most = many.most, .over = many.over, .busy = many.busy,
            .busy_least = many.busy_least, .faster = many.seconds > 0 ? alone.seconds / many.seconds : 1,
        };
    }
    batch_free(&b);
    return rc;
}
