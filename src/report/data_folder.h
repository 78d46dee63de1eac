/* data_folder.h - what lies in a data folder, before any of it is a row: one bench, its models, and which lines of which file of judgments
 * are of which model (room: report, the campaign file's own). Files are read once for that, and line by line when a run is collected: a
 * folder of a thousand models needs the memory of one. */
#ifndef MTB_DATA_FOLDER_H
#define MTB_DATA_FOLDER_H

#include "campaign_rows.h"

#include "mtbench/answer_set.h"
#include "mtbench/buf.h"
#include "mtbench/map.h"
#include "mtbench/question.h"

/* A record of a file: its bytes from 'start' to 'end' are what extracting must give back, a line behind the first 'skip' bytes of them. */
struct judged_line {
    int64_t start, end;
    int32_t number, model;               /* from 1; into source.model, of model_1 in pairs */
};

struct judged_file {
    char *path;                          /* as it is opened */
    char *name;                          /* in the data folder: "mt_bench/model_judgment/gpt-4_single.jsonl" */
    char *judge;                         /* whose file it is, by its name */
    int kind, repeat;                    /* FILE_JUDGMENTS or FILE_PAIRS; from 1 */
    struct judged_line *line;            /* (n) */
    int n;
    int64_t bytes, tail;                 /* where the bytes begin that belong to no record */
    char sha256[65];
    int fd;
};

struct bench_folder {
    char *data_dir, *bench;
    char **model;                        /* (n_models) in name order: with answers, or judged */
    int n_models;
    struct judged_file *file;            /* (n_files) of judgments, in name order */
    int n_files;
    struct questions questions;          /* none where there is no question.jsonl */
    struct model_answers reference;      /* the first in name order; none */
    struct file_row *common;             /* (n_common) questions, references, judge prompts: with their texts */
    int n_common;
    char bench_key[65];                  /* of these; "" without questions */
    struct call_row *call;               /* (n_calls) of the judges' journals; file: into 'journal' */
    int n_calls;
    struct map call_of;                  /* the names' hash in a call's key: its first call, further ones by 'next' */
    int *next;
    struct file_row *journal;            /* (n_journals) */
    int n_journals;
};

/* What is at 'path': a data folder, the folder of one of its benches, or an answer file or journal of one model in it. Each bench becomes a
 * source; '*source' and what is in it go with bench_folders_free(). -1: err (usage, io, format). */
int bench_folders_open(const char *path, struct bench_folder **source, int *n, struct err *err);
void bench_folders_free(struct bench_folder *source, int n);
/* The bytes of a line's region into 'out', which is cleared before. -1: err (io). */
int judged_read(const struct judged_file *f, int64_t start, int64_t end, struct buf *out, struct err *err);
/* Is a line of it of this model? */
bool judged_has(const struct judged_file *f, int model);
/* FOLDER/BENCH/model_answer/MODEL.jsonl, or what lies beside it with this ending. The caller's. */
char *bench_folder_path(const struct bench_folder *s, int model, const char *ending);

#endif
