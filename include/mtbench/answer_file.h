/* answer_file.h - from the finished turns of a run to its answer file, its digest and its manifest (room: bench). */
#ifndef MTB_ANSWER_FILE_H
#define MTB_ANSWER_FILE_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/question.h"

struct answered {
    const struct questions *questions;
    const char *model_id;
    int n_choices;
    uint64_t seed;
    /* Append the text of a finished turn (from 1) to 'json' as a JSON string; 'tstamp' gets when it ended. False: it is not done. */
    bool (*text)(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp);
    void *ctx;
};

/* Merge the questions whose turns of all choices are done into the file (answers_merge()), each as json.dumps would write its record.
 * Returns how many there are; 0: the file was left alone. -1: err. */
int answer_file_write(const char *path, const struct answered *r, struct err *err);
/* Does the file still say what was finished? 'see' gets each finished turn of a question in the file that is another text there, with that
 * text (NULL: it has none); of several lines of a question the last counts. A file that is not there, and questions that are not in it, are
 * passed over: a run may have been stopped before it was written. -1: err (io, format with file and line). */
int answer_file_check(const char *path, const struct answered *r,
                      void (*see)(void *ctx, const struct question *q, int choice, int turn, const char *text), void *ctx, struct err *err);
/* The digest over all finished turns. */
void answer_file_digest(const struct answered *r, char hex[65]);
/* A manifest's line (manifest_put()) beside a journal, under its name with .manifest. -1: err (io). */
int answer_file_manifest(const char *journal, const char *line, struct err *err);

#endif
