/* judged_file.h - a file of judgments before any of it is a row: which of its lines are of which model (room: report, the campaign file's
 * own). It is read once for that, and line by line when a run is collected: a file of a thousand models needs the memory of one. */
#ifndef MTB_JUDGED_FILE_H
#define MTB_JUDGED_FILE_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stdint.h>

/* A record of a file: its bytes from 'start' to 'end' are what extracting must give back, a line behind blanks. */
struct judged_line {
    int64_t start, end;
    int32_t number, next;                /* from 1; the next one of the same model, -1: none */
};

/* The lines of a model (of model_1 in pairs). */
struct judged_part {
    int model;                           /* into bench_folder.model */
    int first, last;                     /* of judged_file.line */
    char sha256[65];                     /* of the lines, one behind the other, without the blanks between them */
    struct sha256 *hash;                 /* while the file is read; NULL: that of the file will do */
};

struct judged_file {
    char *path;                          /* as it is opened */
    char *name;                          /* in the data folder: "mt_bench/model_judgment/gpt-4_single.jsonl" */
    int kind, repeat;                    /* FILE_JUDGMENTS or FILE_PAIRS; from 1 */
    struct judged_line *line;            /* (n) */
    int n;
    struct judged_part *part;            /* (n_parts) by model */
    int n_parts;
    int64_t bytes, tail;                 /* where the bytes begin that belong to no record */
    char sha256[65];
    int fd;
};

/* Begins 'f' with what the name says: JUDGE_single.jsonl, JUDGE_pair.jsonl, JUDGE_single.repeat2.jsonl. False: it is none of these. */
bool judged_name(struct judged_file *f, const char *name);
/* Reads the file of f->path; 'number' gives a model's number by its name. -1: err (io, format). judged_free() in any case. */
int judged_index(struct judged_file *f, int (*number)(void *ctx, const char *model), void *ctx, struct err *err);
/* Model i is place[i] from here on. */
void judged_renumber(struct judged_file *f, const int *place);
/* The model's lines; NULL: it has none. */
const struct judged_part *judged_part(const struct judged_file *f, int model);
/* The bytes of a line's region into 'out', which is cleared before. -1: err (io). */
int judged_read(const struct judged_file *f, int64_t start, int64_t end, struct buf *out, struct err *err);
void judged_free(struct judged_file *f);

#endif
