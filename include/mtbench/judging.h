/* judging.h - a judging under way on rank 0: calls go out, verdicts come in, files are written (room: campaign). Local; ticks between other
 * work. */
#ifndef MTB_JUDGING_H
#define MTB_JUDGING_H

#include "mtbench/caller.h"
#include "mtbench/forecast.h"
#include "mtbench/grader.h"
#include "mtbench/job.h"
#include "mtbench/judge_inputs.h"
#include "mtbench/progress.h"
#include "mtbench/pump.h"

struct judging {
    struct job *job;
    const struct judge_opts *o;
    struct judge_inputs *in;
    struct manifest manifest;
    struct call_journal *journal;
    struct grader *grader;               /* NULL: a canary */
    struct endpoint endpoint, fallback_endpoint;
    struct purse purse;                  /* of the judge and its fallback together */
    struct pump pump;                    /* its transport is NULL until connected */
    struct progress *progress;           /* NULL: somebody else shows it */
    uint64_t tokens;                     /* read and written by a local judge so far, on all ranks */
    double left;                         /* seconds that a local judge still needs; 0 or NAN: unknown */
    struct call_pace pace;               /* of a hosted judge */
    char *told;                          /* the last reason of a failure that was told, and how many were */
    int n_told;
    double started;
    double instant;                      /* what strftime_now of a local judge's template prints; that of the journal's first start */
};

/* Journal and grader for these inputs. -1: err. judging_close() either way. */
int judging_open(struct judging *j, struct job *job, const struct judge_opts *o, struct judge_inputs *in, struct err *err);
/* Who the judge is, from flags and environment; no network. -1: err. */
int judging_endpoint(struct judging *j, struct err *err);
/* Dollars per million tokens: the flags, else the price file, else -1. -1: err (a broken file; --max-cost without prices). */
int judging_prices(const struct judge_opts *o, double *in, double *out, struct err *err);
/* The hosted judge: resolve, connect, one short call to see that it answers, unless all is done. -1: err (device: preflight failed;
 * cancelled: come back later; else: input). */
int judging_connect(struct judging *j, struct err *err);
/* Before the first tick over a batch's results: whose are they? Says what is merged already or of other calls. -1: err (usage), none of
 * them is of a call that is made here, as with a wrong --judge-model: nothing is taken. */
int judging_check_import(struct judging *j, struct err *err);
/* Send what may be sent, work for at most 'wait' seconds, judge what came. Returns what is still open (calls in flight and to come), -1:
 * err; the kind says whether to come back (cancelled) or not. Calls to come may wait for answers: judging_close_answers() ends that. */
long judging_tick(struct judging *j, double wait, struct err *err);
/* No more answers will come: what waits for one is counted as having none. */
void judging_close_answers(struct judging *j);
/* A record that came another way (from an engine of the job): judge it; it is safe once judging_flush() has returned 0, which all that came
 * together share. -1: err (io, format). */
int judging_take(struct judging *j, const struct call_record *r, struct err *err);
int judging_flush(struct judging *j, struct err *err);
/* How far it is, for a line of somebody else's; judging_show() shows it on its own. */
struct progress_now judging_now(const struct judging *j);
void judging_show(const struct judging *j);
/* After a signal: send nothing more, wait for the calls in flight, they are paid for; at most 'seconds'. -1: err (io). */
int judging_drain(struct judging *j, double seconds, struct err *err);
/* Write the files of every repeat, print "judgments ..." and "wrote ...". -1: err. */
int judging_finish(struct judging *j, struct err *err);
void judging_close(struct judging *j);

/* --confirm: ask for Enter. -1: err (usage), nobody pressed it. */
int judging_confirm(struct err *err);
/* What the end of a hosted judging means to the shell. */
int judge_exit_code(const struct err *err);

/* Share of failed judgments of all, for --max-error-rate. */
double judging_error_rate(const struct judging *j);

#endif
