/* forecast.h - how long the rest will take (room: job). Pure: told what happened and when, in seconds of any clock that never goes back.
 * Two kinds of work. Texts that grow a token a step, many together, and end when they like: the rest of the run is played a few times over
 * with lengths drawn from the survival curve of the turns so far. And calls to somebody else, who takes about equally long for each. */
#ifndef MTB_FORECAST_H
#define MTB_FORECAST_H

#include <stdbool.h>
#include <stdint.h>

/* ---- conversations with the engines of this job ---- */

struct forecast;

/* 'n' conversations wait, conversation i with turns[i] turns to go (0: it is finished). No turn is longer than max_tokens; one of
 * 'expected' tokens is likely before anything is known. 'n_engines' share them, one of them this rank's. Never NULL. */
struct forecast *forecast_create(int n, const int *turns, int max_tokens, double expected, int n_engines);
void forecast_destroy(struct forecast *f);

/* Conversation i runs. Saying it twice changes nothing. */
void forecast_begin(struct forecast *f, int i);
/* A turn of conversation i has ended with n tokens; the next one begins at once. 'failed': the conversation is over, and its length says
 * nothing about others. */
void forecast_turn(struct forecast *f, int i, long n, int failed);
/* All engines together have made so many tokens by now, those of unfinished turns included: how far the open turns have come. Say it before
 * anything is told of that moment. */
void forecast_made(struct forecast *f, uint64_t tokens);
/* This rank's engine took 'seconds' for 'steps' steps with 'rows' rows in them, of which 'tokens' made a token and the others read prompts.
 * What a step costs, and what each row, is learned from steps that differ in their rows. */
void forecast_steps(struct forecast *f, double seconds, long steps, long rows, long tokens);
/* Seconds until the last turn ends; NAN: nothing has been made here that would tell. Computed at most once a second, and a few milliseconds
 * long. */
double forecast_left(struct forecast *f, double now);

/* What this rank's steps have cost: seconds of a step, of a row in it, of a token that a row looks back at. False: too few were seen. */
bool forecast_costs(const struct forecast *f, double *step, double *row, double *context);

/* ---- calls to somebody else, about equally long, so many at a time ---- */

struct call_pace {
    long back;                       /* calls that came back since the start */
    double latency;                  /* the sum of their seconds */
};
void forecast_call(struct call_pace *p, double seconds);
/* Seconds until the last of 'left' calls, those in flight included, is back; NAN before the first wave of 'parallel' calls is. */
double forecast_calls(const struct call_pace *p, long left, int parallel);

/* ---- calls to the engines of this job: tokens to read and to write, over the rate at which that goes ---- */

struct call_work {
    long calls, back;                /* in all, and those that came back */
    double prompts;                  /* tokens of all prompts */
    double reply_back;               /* tokens of the replies that came back */
    double max_reply;                /* most tokens that a reply may have */
    double made;                     /* tokens read, found read already, and written by now, those of calls under way included */
    double seconds;                  /* that this took */
};
/* NAN while nothing is made. */
double forecast_work(const struct call_work *w);

#endif
