/* chosen.h - the judgments of a campaign that somebody wants to see, as the table that scores are made of (room: report, its own). */
#ifndef MTB_CHOSEN_H
#define MTB_CHOSEN_H

#include "mtbench/judgment.h"
#include "mtbench/showing.h"

/* Repeats of the table are judgments of the same model once more: by another run of it (another seed), or by the judge asked again. */
struct chosen {
    struct judgment_table table;
    size_t *repeat_end;                  /* (n_repeats) as score_choice has it */
    int n_repeats;
    int32_t *run;                        /* (table.n) which run of the campaign a row is of */
    int64_t *seed;                       /* (n_runs) of the campaign */
    char **model;                        /* (n_runs); "" for a run of another bench */
    long *cut;                           /* (n_runs) turns that ran into the token limit */
    size_t n_runs;
    struct questions questions;
    bool has_questions;
};

/* -1: err (usage, io, format). What was read is the caller's either way. */
int chosen_read(struct chosen *c, const struct showing *o, struct err *err);

#endif
