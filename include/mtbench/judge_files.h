/* judge_files.h - whose judgments lie in which file (room: report). A judge's own file is JUDGE_single.jsonl or JUDGE_pair.jsonl; what it
 * judged as another one's fallback lies in the other one's. */
#ifndef MTB_JUDGE_FILES_H
#define MTB_JUDGE_FILES_H

#include "mtbench/err.h"

#include <stdbool.h>

struct judge_file {
    char *judge;                         /* whose rows of the file are meant */
    char *path;
};

struct judge_files {
    struct judge_file *file;
    int n;
    bool fallen_back;                    /* the usual judge has no file here, but one other has */
};

/* The files of these judges of DATA/BENCH, in their order. None named: 'usual', or the only judge there is, if 'usual' is not there. "all":
 * everybody who has a file. -1: err (usage), with the judges that are there. judge_files_free() either way. */
int judge_files_find(struct judge_files *out, const char *data_dir, const char *bench, bool pairs, const char *usual,
                     const char *const *judge, int n, struct err *err);
void judge_files_free(struct judge_files *f);

#endif
