/* collect_priv.h - what the files that collect a run share (room: report, theirs alone): collect.c what a run is and its sums,
 * collect_answers.c turns and answers, collect_judgments.c judgments and calls, row_text.c texts and numbers out of lines. */
#ifndef MTB_COLLECT_PRIV_H
#define MTB_COLLECT_PRIV_H

#include "collect.h"

#include "mtbench/slice.h"

/* A member's text as the file will have it; NULL: it is something else. The caller's, as are copies. */
char *row_text(struct slice value);
char *row_copy(const char *s);
double row_number(struct slice value, double otherwise);

extern const char *const own_ending[OWN_FILES];

/* A row of the run's files. Valid until the next one. */
struct file_row *collect_file(struct run_data *d, const char *name, int kind, const char sha256[65], int64_t bytes, int lines);
struct file_row *collect_own_file(struct run_data *d, const struct bench_folder *s, int model, int which, int kind);
/* Keep a line's own bytes where those that its fields give are others. */
void line_keep_raw(struct line_place *at, const struct buf *region, const struct buf *made);

/* Does a journal that begins so hold calls to a server? */
bool journal_is_of_calls(const char *head);
/* Into the run's tables. All: -1: err (io, format). Answers after turns, judgments after answers. */
int collect_turns(const struct bench_folder *s, int model, struct run_data *d, struct err *err);
int collect_answers(const struct bench_folder *s, int model, struct run_data *d, struct err *err);
int collect_judgments(const struct bench_folder *s, int model, struct run_data *d, struct err *err);

#endif
