/* pairwise.h - pair judgments as wins, losses and ties (room: report).
 * A pair is judged twice, with the answers in both orders. Equal verdicts win or tie; verdicts that differ are a tie, as in FastChat. A
 * record with a game that gave no verdict counts as failed. */
#ifndef MTB_PAIRWISE_H
#define MTB_PAIRWISE_H

#include "mtbench/estimate.h"
#include "mtbench/judgment.h"
#include "mtbench/question.h"

#include <stdint.h>

struct pairwise_choice {
    const char *const *model;            /* (n_models) the rows of the table; each must be there. n_models 0: all */
    int n_models;
    const char *baseline; /* only games with it, which gets no row; NULL: games among the chosen models (with --model-list: both
                             sides are on it) */
    const char *judge;                   /* as in score.h */
    const struct questions *questions;   /* NULL: all */
    bool by_pair;                        /* 'pair' is wanted, too; not with a baseline */
};

struct pairwise_row {
    const char *model;                   /* owned by the table */
    long win, loss, tie, failed;
    long flip_first, flip_second;        /* ties of these: both games chose the answer shown first, shown second */
    struct estimate rate;                /* wins as a share of all, with its interval */
    struct estimate adjusted;            /* the same with half of the ties */
};

struct pairwise {
    struct pairwise_row *row;            /* by adjusted rate, highest first, then by name */
    int n;
    struct pairwise_row *pair;           /* (n * n) row i's games against row j at i * n + j; NULL unless by_pair */
    long by_others;                      /* rows of the table by other judges, which do not count */
    char *others;                        /* their names; owned */
    long games, failed, flip_first, flip_second, replaced;   /* records of the whole, each once; replaced: as in score.h */
    uint32_t *failed_row;                /* (failed) rows of the table, by question; owned */
    const char *judge;
};

int pairwise_build(struct pairwise *p, const char *name, const struct judgment_table *t, const struct pairwise_choice *choice,
                   struct err *err);
void pairwise_free(struct pairwise *p);

#endif
