/* data_folder.h - what lies in a data folder, before any of it is a row: one bench, its models, and which lines of which file of judgments
 * are of which model (room: report, the campaign file's own). Files are read once for that, and line by line when a run is collected: a
 * folder of a thousand models needs the memory of one. */
#ifndef MTB_DATA_FOLDER_H
#define MTB_DATA_FOLDER_H

#include "campaign_rows.h"
#include "judged_file.h"

#include "mtbench/answer_set.h"
#include "mtbench/map.h"
#include "mtbench/question.h"

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
/* FOLDER/BENCH/model_answer/MODEL.jsonl, or what lies beside it with this ending. The caller's. */
char *bench_folder_path(const struct bench_folder *s, int model, const char *ending);
int count_lines(const char *bytes, size_t n);

#endif
