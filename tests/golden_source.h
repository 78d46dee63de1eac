/* golden_source.h - the files of a tiny model of tests/golden/tiny, for tests that open one. */
#ifndef MTB_TEST_GOLDEN_SOURCE_H
#define MTB_TEST_GOLDEN_SOURCE_H

#include "mtbench/mem.h"
#include "mtbench/modelpath.h"
#include "mtbench/source.h"

#include <stdlib.h>

/* NULL: err. End with source_files_close(). */
__attribute__((unused)) static struct source *golden_source(const char *name, struct err *err)
{
    struct modelpath path;
    char *folder = xasprintf("tests/golden/tiny/%s", name);
    const int rc = modelpath_resolve(folder, NULL, NULL, &path, err);
    free(folder);
    if (rc < 0)
        return NULL;
    struct source *s = source_files_open((const char *const *)path.path, path.n, err);
    modelpath_free(&path);
    return s;
}

#endif
