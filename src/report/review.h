/* review.h - all that a report tells, read from a data folder once: the questions, each model's answers and where they come from, each
 * judge's judgments and scores (room: report, its own). Texts of answers are not kept. */
#ifndef MTB_REVIEW_H
#define MTB_REVIEW_H

#include "origin.h"

#include "mtbench/opts.h"
#include "mtbench/pairwise.h"
#include "mtbench/question.h"
#include "mtbench/score.h"

/* A turn that is no answer. */
struct review_gap {
    int64_t question_id;
    int choice, turn;
    const char *status;                  /* "failed", "too_long" ...; "missing": there is no text and no record; static */
    char *reason;                        /* NULL: not recorded */
};

struct review_model {
    char *name;
    bool answered;                       /* there is an answer file */
    char sha256[65], digest[65];         /* of the file; of the turns in it (answer.h), as `answer` prints it; "" without one */
    struct origin origin;
    struct review_gap *gap;              /* (n_gaps) by question, choice, turn */
    int n_gaps;
    int choices;                         /* the most of any question */
    long turns, cut;                     /* that are answers; that ran into a limit, of those recorded */
    long empty;                          /* of the answers: no text */
    long elsewhere, beyond;              /* answers to questions that the bench does not have; turns that its questions do not */
};

/* A file of the bench's, as it is today. */
struct review_file { char *name; bool there; char sha256[65]; long bytes; };

struct review_judge {
    char *name, *path;                   /* the file's judge; the file of repeat 1 */
    bool pairs;
    struct judgment_table table;         /* all repeats, one behind the other */
    size_t *repeat_end;                  /* (n_repeats) */
    int n_repeats;
    struct scores scores, by_category;   /* of single judgments: of all questions (or of the slice), and of the bench's */
    struct pairwise pairwise;            /* of pairs */
};

struct review_opts {
    const char *data_dir, *bench;
    struct opt_list judges, models;      /* none: all */
    struct slicing slicing;
    bool sliced;                         /* slicing leaves something out */
};

struct review {
    const char *data_dir;                /* the caller's */
    struct questions questions;          /* with has_questions */
    bool has_questions;
    struct review_model *model;          /* (n_models) by name: those with answers, and those judged */
    int n_models;
    struct review_judge *judge;          /* (n_judges) single ones first */
    int n_judges, n_single;
    struct origin_calls calls;
    struct review_file *file;            /* (n_files) questions, judge prompts, references */
    int n_files;
    char **trouble;                      /* (n_troubles) what could not be read, and is left out: a line each */
    int n_troubles;
};

/* -1: err (usage: names that are not there, or nothing at all is; io; format). Of a judge that was not named, judgments that cannot be
 * scored are a trouble and no error. review_free() either way. */
int review_read(struct review *r, const struct review_opts *o, struct err *err);
void review_free(struct review *r);
/* The model that a judgment knows by this name; NULL: none. */
const struct review_model *review_model(const struct review *r, const char *name);
/* A message with paths below the data folder: a page that is passed on does not tell where its maker keeps his files. The caller's. */
char *review_words(const struct review *r, const char *text);

#endif
