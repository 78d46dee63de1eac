/* silence.h - ranks of which rank 0 hears nothing (private to job). Pure: no messages, no clock; times are seconds of one clock. */
#ifndef MTB_SILENCE_H
#define MTB_SILENCE_H

struct silence;

/* 'after': seconds that are told first; each silence is told again when it has lasted twice as long. 0: none is. Never NULL. */
struct silence *silence_create(int n_ranks, double after, double now);
void silence_destroy(struct silence *s);
/* A word of it. 1: it was told as silent, and is not any more. */
int silence_broken(struct silence *s, int rank, double now);
/* Nobody has listened for so many seconds up to 'now': no silence is longer for them. */
void silence_pass(struct silence *s, double seconds, double now);
/* It says no more, in good order. */
void silence_forget(struct silence *s, int rank);
/* The next rank whose silence is to be told, and how long it lasts; -1: none. */
int silence_next(struct silence *s, double now, double *lasts);
/* Of whom nothing was heard for longest, and for how long; -1: all have been let go. */
int silence_longest(const struct silence *s, double now, double *lasts);

#endif
