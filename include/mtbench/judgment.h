/* judgment.h - judgments as FastChat reads and writes them (room: bench). */
#ifndef MTB_JUDGMENT_H
#define MTB_JUDGMENT_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/map.h"

#include <stdbool.h>
#include <stdint.h>

enum judgment_status {
    JUDGMENT_OK,                         /* only these count */
    JUDGMENT_UNPARSABLE, JUDGMENT_OUT_OF_RANGE, JUDGMENT_TRUNCATED, JUDGMENT_FILTERED, JUDGMENT_REFUSED, JUDGMENT_TOO_LONG,
    JUDGMENT_FAILED,                     /* the call failed; $ERROR$ in files of others */
    JUDGMENT_NO_ANSWER                   /* there was nothing to judge: an ERROR or $ERROR$ answer, or none */
};
enum { JUDGMENT_STATUSES = JUDGMENT_NO_ANSWER + 1 };
const char *judgment_status_name(enum judgment_status s);
/* Of two games the status that stands for both: the later one of the list, ok only if both are. */
enum judgment_status judgment_worse(enum judgment_status a, enum judgment_status b);
/* What a number means as a rating: OK, OUT_OF_RANGE (not within 1..10), UNPARSABLE (-1, FastChat's sign for none, or NaN). */
enum judgment_status rating_status(double score);

enum winner { WINNER_MODEL_1, WINNER_MODEL_2, WINNER_TIE, WINNER_ERROR };
const char *winner_name(enum winner w);  /* "model_1", "model_2", "tie", "error" */

struct single_judgment {
    int64_t question_id;
    const char *model, *judge, *prompt;  /* judge model, name of the judge prompt */
    const char *user_prompt, *judgment;
    double score;                        /* -1: none */
    bool score_is_int;                   /* written without a point, as Python's literal_eval leaves it */
    int turn;
    double tstamp;
};

struct pair_judgment {
    int64_t question_id;
    const char *model_1, *model_2;
    enum winner g1_winner, g2_winner;
    const char *judge, *prompt;
    const char *g1_user_prompt, *g1_judgment, *g2_user_prompt, *g2_judgment;
    int turn;
    double tstamp;
};

/* A score as Python prints it: 8, 8.5, -1. */
void score_put(struct buf *b, double score, bool is_int);
/* The record to the byte as FastChat's json.dumps writes it, without a newline. */
void single_judgment_put(struct buf *b, const struct single_judgment *j);
void pair_judgment_put(struct buf *b, const struct pair_judgment *j);

/* ---- reading, at the speed of the file ---- */

/* What scoring needs of a line. Names are interned in the table: equal names, equal numbers. */
struct judgment_row {
    int64_t question_id;
    double score;                        /* single mode; as stored, also where the status is not ok */
    int32_t model_1, model_2;            /* names; model_2 is -1 in single mode */
    int32_t judge, prompt;               /* names; -1 where the record has none */
    uint8_t turn;                        /* a record without one: by the prompt's name, 2 for multi-turn */
    uint8_t status;                      /* enum judgment_status; of the worse game in pairs, by judgment_worse() */
    uint8_t g1, g2;                      /* enum winner, pairs only */
    bool empty;                          /* the answer that was judged is empty (in pairs: one of them); it counts like any other */
    bool score_is_int;
};

struct judgment_table {
    struct judgment_row *row;            /* in file order */
    size_t n;
    char **name;                         /* (n_names) owned */
    int n_names;
    bool pairs;                          /* all rows are pairs (else all are single) */
    size_t cap;                          /* the reader's: room for rows, numbers of names */
    struct map names;
};

/* Read a judgment file into the table (appending to one that other files filled; zeroed is empty). Unknown keys are skipped, duplicate keys
 * count last, as Python does; empty lines are passed over as show_result does. The older pair form with one "winner" stands for two equal
 * games ("inconsistent": for two that differ). A score that is
 * null is NaN. One that is no number, a line that is no object, or a mix of single and pair rows: err
 * (format) with file and line; rows before it stay. Streams: memory is that of the rows, not of the texts.
 *
 * The status of rows that others wrote: score -1 or a winner "error" is UNPARSABLE, or FAILED when the judgment's text is $ERROR$; a score
 * outside 1..10 is OUT_OF_RANGE. NO_ANSWER is given where the answer that the prompt shows last (of the turn that is judged; in pairs each
 * answer is last in one game) is ERROR or $ERROR$, in the layout of FastChat's prompts. A failed answer to an earlier turn does not
 * show here; who has the answers can look. */
int judgment_table_read(struct judgment_table *t, const char *path, struct err *err);
/* One line of such a file; err says nothing of its place. */
int judgment_table_line(struct judgment_table *t, const char *line, size_t n, struct err *err);
/* The same of many lines, for tests and fuzzing. */
int judgment_table_parse(struct judgment_table *t, const char *name, const char *data, size_t n, struct err *err);
/* For rows from elsewhere: the number of a name, which is copied if it is new; and a further row. */
int32_t judgment_table_intern(struct judgment_table *t, const char *name);
void judgment_table_add(struct judgment_table *t, const struct judgment_row *row);
/* The number of a name, -1 if the table has none such. */
int judgment_table_name(const struct judgment_table *t, const char *name);
void judgment_table_free(struct judgment_table *t);

#endif
