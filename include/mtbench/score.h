/* score.h - single judgments as scores of models (room: report). Only judgments with status ok count; all others are counted as failed. */
#ifndef MTB_SCORE_H
#define MTB_SCORE_H

#include "mtbench/answer_set.h"
#include "mtbench/estimate.h"
#include "mtbench/judgment.h"
#include "mtbench/question.h"

/* What of a table is looked at. */
struct score_choice {
    const char *const *model;            /* (n_models) only these; each must be there. n_models 0: all */
    int n_models;
    const char *judge;                   /* only this judge's; NULL: the table must hold one judge */
    const struct questions *questions;   /* NULL: all questions, and no categories; else only these */
    const size_t *repeat_end;            /* (n_repeats) rows [.., repeat_end[r]) are repeat r; NULL: all rows are one */
    int n_repeats;
};

struct score_item {
    int64_t question_id;
    double score;
    uint32_t order;                      /* row of the table */
    int16_t category;                    /* into scores.category; -1: unknown */
    uint8_t turn, repeat, status;
    bool empty;                          /* of an empty answer */
};

struct scores {
    char **model;                        /* (n_models) in name order */
    size_t *first;                       /* (n_models + 1) where the items of a model begin */
    int n_models;
    struct score_item *item;             /* by model, question, turn, repeat; one each */
    const char **category;               /* (n_categories) in the order of the questions; owned by the questions */
    int n_categories;
    int n_turns, n_repeats;              /* the highest turn; 1 or choice.n_repeats */
    const char *judge;                   /* owned by the table; NULL: the records name none */
    long by_others;                      /* rows of the table by other judges, which do not count */
    char *others;                        /* their names; owned */
    long replaced; /* rows for which a later one of the same model, question, turn and repeat stands; of several ok ones the
                      last counts, else the last */
};

/* -1: err (usage) for names that are not there, several judges, or no row left. 'name' is the file, for messages. */
int scores_build(struct scores *s, const char *name, const struct judgment_table *t, const struct score_choice *choice, struct err *err);
void scores_free(struct scores *s);
/* The number of a model, or -1 (err: usage, listing what there is). */
int scores_model(const struct scores *s, const char *name, struct err *err);

/* ---- one model ---- */

enum { LOWEST_SCORE = 1, HIGHEST_SCORE = 10 };

struct score_part { int turn, category, repeat; };       /* 0, -1, -1: all */
#define SCORE_ALL ((struct score_part){ 0, -1, -1 })

struct score {
    struct estimate mean;                /* over all ok judgments of the part, as FastChat pools turns; its interval lies within 1..10 */
    long failed, failed_by[JUDGMENT_STATUSES];
    long empty;                          /* of the ok ones: judgments of empty answers */
};
struct score score_of(const struct scores *s, int model, struct score_part part);
/* Models by score, highest first, then by name; those without a score last. 'order' has room for s->n_models. */
void scores_rank(const struct scores *s, const struct score *of_model, int *order);

/* ---- two models on the same questions ---- */

struct comparison {
    struct estimate difference;          /* of A - B, paired by question and turn (repeats averaged), clustered by question */
    double mean_a, mean_b;               /* over the pairs */
    long higher, lower, equal;           /* of A */
    long unpaired;                       /* question and turn that only one of them has a score for */
    double smallest;                     /* estimate_smallest() of the difference */
};
struct comparison scores_compare(const struct scores *s, int a, int b);
/* The smallest difference that the run can show between two of its models: the median of comparison.smallest over neighbours in 'order'.
 * With one model, what it could show against another one like it that answers independently: sqrt(2) times its own error. */
double scores_smallest(const struct scores *s, const int *order);

/* ---- the judge again on the same answers ---- */

struct spread {
    int n_repeats;                       /* with at least one score */
    double lowest, highest;              /* mean of a repeat */
    double sd;                           /* standard deviation of the repeats' means */
    double within, between;              /* variance of one score: from repeat to repeat of a question and turn, and between those (one-way
                                            random effects, by analysis of variance; an estimate below 0 is 0) */
    long items;                          /* question and turn with at least two scores */
};
struct spread score_spread(const struct scores *s, int model);

/* ---- do longer answers score higher? ---- */

/* Points per doubling of the answer's length in code points. 'model' -1: over all models, within each question and turn, so that neither
 * hard questions nor their usual length show as an effect; it needs two models. Else between the questions of one model. 'missing' (may be
 * NULL): ok judgments without an answer to measure. */
struct estimate score_length_slope(const struct scores *s, int model, const struct answer_set *answers, long *missing);

/* Where the slope's line goes through: the geometric mean of the answers' lengths in code points, and the mean score of the same
 * judgments. NAN: no answer to measure. */
struct length_mean { double characters, score; };
struct length_mean score_length_mean(const struct scores *s, int model, const struct answer_set *answers);

#endif
