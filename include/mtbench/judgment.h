/* judgment.h - judgments as FastChat reads and writes them (room: bench). */
#ifndef MTB_JUDGMENT_H
#define MTB_JUDGMENT_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stdint.h>

enum judgment_status {
    JUDGMENT_OK,                         /* only these count */
    JUDGMENT_UNPARSABLE, JUDGMENT_OUT_OF_RANGE, JUDGMENT_TRUNCATED, JUDGMENT_FILTERED, JUDGMENT_REFUSED, JUDGMENT_TOO_LONG,
    JUDGMENT_FAILED,                     /* the call failed; $ERROR$ in files of others */
    JUDGMENT_NO_ANSWER                   /* there was nothing to judge: an empty, ERROR or $ERROR$ answer, or none */
};
const char *judgment_status_name(enum judgment_status s);

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

/* The record to the byte as FastChat's json.dumps writes it, without a newline. */
void single_judgment_put(struct buf *b, const struct single_judgment *j);
void pair_judgment_put(struct buf *b, const struct pair_judgment *j);

/* ---- reading, at the speed of the file ---- */

/* What scoring needs of a line. Names are interned in the table: equal names, equal numbers. */
struct judgment_row {
    int64_t question_id;
    int32_t model_1, model_2;            /* names; model_2 is -1 in single mode */
    int32_t judge, prompt;               /* names */
    uint8_t turn;
    uint8_t status;                      /* enum judgment_status; of the worse game in pairs */
    uint8_t g1, g2;                      /* enum winner, pairs only */
    float score;                         /* single mode; as stored, also where the status is not ok */
    bool score_is_int;
};

struct judgment_table {
    struct judgment_row *row;            /* in file order */
    size_t n;
    char **name;                         /* (n_names) owned */
    int n_names;
    bool pairs;                          /* all rows are pairs (else all are single) */
};

/* Read a judgment file into the table (appending to one that other files filled). Unknown keys are skipped, duplicate keys count last, as Python
 * does. A score that is no number, a line that is no object, or a mix of single and pair rows: err (format) with file and line. Streams: memory
 * is that of the rows, not of the texts. */
int judgment_table_read(struct judgment_table *t, const char *path, struct err *err);
/* The same from bytes, for tests and fuzzing. */
int judgment_table_parse(struct judgment_table *t, const char *name, const char *data, size_t n, struct err *err);
void judgment_table_free(struct judgment_table *t);

#endif
