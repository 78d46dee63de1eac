/* gallery.h - all that a page shows of a bench, read from its data folder: questions, references, answers, judgments (room: report, the
 * pages' own). Numbers and names are in memory; the judges' texts stay in their files and are read one at a time, so that a gallery needs
 * the memory of its answers and not of its judgments. */
#ifndef MTB_GALLERY_H
#define MTB_GALLERY_H

#include "origin.h"

#include "mtbench/answer_set.h"
#include "mtbench/buf.h"
#include "mtbench/json.h"
#include "mtbench/judgment.h"
#include "mtbench/map.h"
#include "mtbench/question.h"
#include "mtbench/slice.h"

struct gallery_choice {
    const char *data_dir, *bench;
    struct opt_list models, judges;      /* none: all there are. ORG/NAME becomes ORG_NAME in place where the files know no ORG/NAME */
    struct slicing slicing;
    bool sliced;                         /* slicing leaves something out: else judgments of any question count in tables, as in `show` */
};

struct gallery_model {
    char *name;
    const struct model_answers *answers; /* NULL: none are here */
    struct buf bytes;                    /* of the answer file */
    struct gallery_line { int64_t question_id; size_t at, length, order; } *line;
    int n_lines;                         /* sorted by question, one each */
    struct origin origin;                /* what its journal tells */
};

/* A file of judgments with its repeats: FILE.jsonl, FILE.repeat2.jsonl, ... */
struct gallery_source {
    char *path, *stem;                   /* stem: the judge that the file is called after */
    bool pairs;
    struct judgment_table table;         /* all repeats, one behind the other */
    size_t *repeat_end;                  /* (n_repeats) as score_choice has it */
    int *fd;                             /* (n_repeats) */
    int n_repeats;
    int64_t *at;                         /* (table.n) where a row's line begins in its file */
    uint32_t *length;                    /* (table.n) bytes of it */
    long elsewhere;                      /* rows of questions that the bench does not have */
};

/* Whose judgments: a name in the records of the files that are called after one judge. */
struct gallery_judge {
    char *name;                          /* unlike all others: where two are called alike, the file's name is in it */
    const char *record;                  /* as the records have it; NULL: they name none */
    const char *stem;
    int single, pairs;                   /* sources; -1: none */
};

/* A judgment that counts. */
struct gallery_row {
    uint32_t row;                        /* of the source's table */
    int16_t source, judge;
    int32_t question, a, b;              /* models a < b; b -1: of one answer */
    uint8_t turn, repeat;                /* both from 1 */
    bool swapped;                        /* model_1 of the record is b */
};

struct gallery {
    const char *data_dir, *bench;
    struct opt_list models;              /* as chosen; none: all */
    bool sliced;
    struct questions questions;
    const char **category;               /* (n_categories) in the order of the questions */
    int n_categories;
    struct answer_set answers, references;
    char **answer_file;                  /* (answers.n) paths */
    struct gallery_model *model;         /* (n_models) by name: with answers or a journal of them, or judged */
    int n_models;
    struct map model_of;                 /* by name */
    struct gallery_source *source;
    int n_sources;
    struct gallery_judge *judge;         /* (n_judges) by name */
    int n_judges;
    struct origin_calls calls;           /* what the judges' journals tell */
    struct gallery_row *row;             /* by question; first those of one answer, by model, turn, judge, repeat; then pairs */
    size_t n_rows;
};

/* -1: err (usage, io, format). gallery_close() either way. */
int gallery_open(struct gallery *g, const struct gallery_choice *o, struct err *err);
void gallery_close(struct gallery *g);

/* The record of a model's answer to a question, with all its choices; the caller's. NULL: it has none (err->kind stays 0), or err (format).
 */
cJSON *gallery_answer(const struct gallery *g, int model, int question, struct err *err);
int gallery_choices(const cJSON *answer);
int gallery_turns(const cJSON *answer, int choice);
/* Turn from 1. "$ERROR$" where it is null; NULL: it has no such turn. */
const char *gallery_text(const cJSON *answer, int choice, int turn);
/* What the journal tells of it; NULL: nothing. Choices from 0, as in the record. */
const struct origin_turn *gallery_origin(const struct gallery *g, int model, int question, int choice, int turn);

const struct judgment_row *gallery_table_row(const struct gallery *g, const struct gallery_row *r);
/* A judgment's texts, of games 1 and 2 as the record has them; "" where it has none. 'line' and 'text' keep their memory. -1: err (io,
 * format). */
struct gallery_words {
    struct buf line, text[2];
    struct slice prompt;                 /* what the judge was shown in game 1, as JSON spells it; ptr NULL: the record does not say */
};
int gallery_words_read(const struct gallery *g, const struct gallery_row *r, struct gallery_words *w, struct err *err);
void gallery_words_free(struct gallery_words *w);
/* Why it is no verdict, and the reason that the judge's journal has (NULL: none); of pairs game 1 or 2. JUDGMENT_OK: it is one. */
enum judgment_status gallery_status(const struct gallery *g, const struct gallery_row *r, int game, const char **reason);
/* A judgment that is not there: what the judge's journal says of the call. JUDGMENT_OK: nothing. */
enum judgment_status gallery_missing(const struct gallery *g, int judge, int question, int model, int turn, const char **reason);

/* ---- the pieces of gallery_open() ---- */

/* Files, judges, and all rows of them; models of theirs are not known yet. */
int gallery_read_judgments(struct gallery *g, const struct gallery_choice *o, struct err *err);
/* When the models are known: g->row. */
void gallery_sort_rows(struct gallery *g);
void gallery_close_judgments(struct gallery *g);

#endif
