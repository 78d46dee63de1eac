/* bench.c - the questions that a verb is about. */
#include "mtbench/bench.h"

#include "mtbench/io.h"
#include "mtbench/paths.h"

#include <stdlib.h>

int bench_questions(const char *data_dir, const char *bench_name, const struct slicing *s, struct questions *qs, struct err *err)
{
    char *path = bench_questions_path(data_dir, bench_name);
    struct buf b = {0};
    int rc = io_read(path, &b, err);
    if (rc < 0) {
        err_wrap(err, "--bench-name %s", bench_name);
        err_advise(err, "name the folder of the question sets by --data-dir; mtbench fetch --data-dir DIR brings the official one there");
    /* questions_parse() releases what it made when it fails, questions_slice() leaves its input whole. */
    } else if ((rc = questions_parse(path, b.data, b.len, qs, err)) == 0 && (rc = questions_slice(qs, s, err)) < 0) {
        questions_free(qs);
    }
    buf_free(&b);
    free(path);
    return rc;
}
