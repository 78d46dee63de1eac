/* plan_time.h - how long answering would take, on these ranks or on others (room: campaign). Rank 0; computes and writes nothing. */
#ifndef MTB_PLAN_TIME_H
#define MTB_PLAN_TIME_H

#include "mtbench/plan_answers.h"
#include "mtbench/speed.h"

struct plan_time {
    struct speed speed;                  /* as measured, or as an earlier run of this model in this layout left it; all 0: not known */
    char *source;                        /* which of them, in words; NULL: none */
    double seconds;                      /* for what is left, on these ranks, without loading; 0: not known */
};

struct plan_simulation {
    int ranks, engines;
    long turns, stored;                  /* of the whole slice; whose lengths a journal has, the others are typical */
    double tokens, seconds, least, most; /* on average over a few draws of lengths; in rows of one engine if no speed is known */
    double over;                         /* seconds over the bound (simulate.h), on average */
    double faster;                       /* than one engine */
    double busy_least, busy;             /* shares of the time that a rank has work: of the idlest one, of all */
};

/* 'measured': by calibrate.h; NULL: see what an earlier run left. -1: err (a speed file that cannot be read is told, not guessed at).
 * Release either way. */
int plan_time(struct plan_time *t, const struct answers_plan *p, const struct answer_opts *o, const struct questions *qs,
              const struct rig *r, const struct speed *measured, struct err *err);
void plan_time_free(struct plan_time *t);

/* The whole slice from its start on so many ranks. -1: err (usage): they do not make whole models. */
int plan_simulate(struct plan_simulation *s, int ranks, const struct plan_time *t, const struct answers_plan *p,
                  const struct answer_opts *o, const struct questions *qs, const struct rig *r, struct err *err);

#endif
