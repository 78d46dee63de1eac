/* answer_set.h - the answers of many models to the questions of a bench, from FastChat's answer files (room: bench). */
#ifndef MTB_ANSWER_SET_H
#define MTB_ANSWER_SET_H

#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_answer {
    int64_t question_id;
    int n_turns;
    char **turn;                         /* (n_turns) of choice 0, the only one that is judged; one block with its texts */
};

struct model_answers {
    char *model;                         /* the file's name without .jsonl: the model's name, as in FastChat */
    struct model_answer *answer;         /* sorted by question_id; of several lines the last counts */
    int n;
};

struct answer_set {
    struct model_answers *model;
    int n;
};

/* One answer file; reference answers have the same form. A turn that is null failed: it reads as $ERROR$. -1: err (io, format with file and
 * line). */
int model_answers_read(const char *path, struct model_answers *m, struct err *err);
/* The same from bytes into a zeroed one, whose model stays as it is. */
int model_answers_parse(const char *name, const char *data, size_t n, struct model_answers *m, struct err *err);
void model_answers_free(struct model_answers *m);

/* Read FOLDER/NAME.jsonl for each name into a zeroed set; with n_names 0 every *.jsonl in name order. -1: err (io, format with file and
 * line). A missing folder or file is an error that names it. Release with answer_set_free(). */
int answer_set_read(struct answer_set *s, const char *folder, const char *const *name, int n_names, struct err *err);
/* Add (or replace) one answer of a model, copied; the model is made if it is new. For answers that arrive while judging. */
void answer_set_add(struct answer_set *s, const char *model, int64_t question_id, const char *const *turn, int n_turns);
const struct model_answers *answer_set_model(const struct answer_set *s, const char *model);
/* NULL: none. */
const struct model_answer *answer_set_find(const struct model_answers *m, int64_t question_id);
void answer_set_free(struct answer_set *s);

/* Is this text the trace of a failure ("ERROR", "$ERROR$") and no answer? An empty one is what the model said. */
bool answer_is_failure(const char *text);

#endif
