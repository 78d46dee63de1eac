/* paths.h - where the files of a bench lie: FastChat's places (room: bench). All strings are the caller's to free.
 * Models and judges are often called ORG/NAME. Their files, and the models' names in records and tables, have '_' for each '/': FastChat
 * takes the file's name for the model's, and finds no file in a folder below. */
#ifndef MTB_PATHS_H
#define MTB_PATHS_H

#include "mtbench/err.h"

#include <stdbool.h>

enum { BENCH_NAME_MAX = 200 };           /* bytes: file systems take 255, and "_single.repeat100.canary.journal" and the like come behind */

/* Can files be named after it? -1 (err: usage, with 'flag' and name in front): empty, hidden, too long, "..", control characters, no UTF-8.
 * A server may know its model by a path, so a '/' in front is fine. */
int bench_name_check(const char *flag, const char *name, struct err *err);
/* The name that files and tables have for it: ORG_NAME for ORG/NAME; a point in front becomes '_' too. As a copy, and in place. */
char *bench_name_plain(const char *name);
void bench_name_make_plain(char *name);

/* May a table, a picture or a page be written there? -1: err (usage): no name at all, or by its ending a file of records, which a slip of
 * the finger must not replace. */
int bench_output_check(const char *path, struct err *err);

/* DATA/BENCH/question.jsonl */
char *bench_questions_path(const char *data_dir, const char *bench);
/* DATA/BENCH/judge_prompts.jsonl where there is one, else the one of all benches, DATA/judge_prompts.jsonl, which is FastChat's place. */
char *bench_prompts_path(const char *data_dir, const char *bench);
/* The folders DATA/BENCH/model_answer and DATA/BENCH/reference_answer. */
char *bench_answers_folder(const char *data_dir, const char *bench);
char *bench_references_folder(const char *data_dir, const char *bench);
/* FOLDER/NAME.jsonl; for ORG/NAME the file FOLDER/ORG/NAME.jsonl, as FastChat's writers leave it, where only that is there. */
char *bench_answers_file(const char *folder, const char *name);
/* DATA/BENCH/model_judgment/JUDGE_single.jsonl, or JUDGE_pair.jsonl */
char *bench_judgments_path(const char *data_dir, const char *bench, const char *judge, bool pairs);
/* What lies beside FILE.jsonl under its name: ".journal", ".manifest", ".canary.journal", ".repeat2.jsonl". */
char *bench_beside(const char *file, const char *ending);
/* The judgments of repeat 1 (FILE.jsonl itself), 2 (FILE.repeat2.jsonl), ... */
char *bench_repeat_path(const char *file, int repeat);

#endif
