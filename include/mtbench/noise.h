/* noise.h - where the scatter of scores comes from: the questions, the answers, the judge (room: report).
 * A score is the mean of its question and turn, plus what this answer (this seed) adds, plus what this judgment (this repeat) adds: nested
 * random effects, taken apart by analysis of variance (Searle, Casella & McCulloch, Variance Components, 1992, ch. 3), as unbalanced as the
 * data are. An estimate below 0 is 0. */
#ifndef MTB_NOISE_H
#define MTB_NOISE_H

#include <stdint.h>

struct noise_item {
    int64_t question_id;
    int turn, seed;                      /* seed: any number that tells answers to the same question apart */
    double score;
};

struct noise {
    double questions, answers, judgments;        /* variance of one score; NaN: nothing tells it (one seed, one repeat) */
    long items, n_answers, n_judgments;          /* questions and turns; answers; judgments */
    double se;                                   /* of the mean over all of it, with other questions, answers and judgments */
    double share_questions, share_answers, share_judgments;      /* of se squared; NaN as above */
};

/* 'item' is sorted by question, turn and seed. */
struct noise noise_of(const struct noise_item *item, long n);

#endif
