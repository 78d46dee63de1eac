/* folder.h - a folder of the test's own, gone when it ends. Whatever a test writes, reads or expects to be missing lies in there. */
#ifndef MTB_TEST_FOLDER_H
#define MTB_TEST_FOLDER_H

#include "mtbench/io.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char own_folder[200];

__attribute__((unused)) static int own_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

__attribute__((unused)) static void own_clear(void)
{
    nftw(own_folder, own_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* The folder itself, which the first call makes. */
__attribute__((unused)) static const char *own_dir(void)
{
    if (!*own_folder) {
        const char *top = getenv("TMPDIR");
        snprintf(own_folder, sizeof own_folder, "%s/mtbench-test-XXXXXX", top && *top && strlen(top) < 150 ? top : "/tmp");
        if (!mkdtemp(own_folder)) {
            perror(own_folder);
            exit(1);
        }
        atexit(own_clear);
    }
    return own_folder;
}

/* The path of 'name' in it. Good for the next seven calls. */
__attribute__((unused)) static char *own(const char *name)
{
    static char path[8][512];
    static unsigned next;
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", own_dir(), name);
    return p;
}

/* A file of that name with this text, and the folders above it. */
__attribute__((unused)) static void own_put(const char *name, const char *text)
{
    struct err err;
    if (io_make_parents(own(name), &err) < 0 || io_replace(own(name), text, strlen(text), &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
}

#endif
