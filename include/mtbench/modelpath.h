/* modelpath.h - from what the user calls a model to its files (room: base).
 * A folder, a .gguf file, or a hub id "org/name" that lies in the local hub cache (hubcache.h). Nothing is downloaded. */
#ifndef MTB_MODELPATH_H
#define MTB_MODELPATH_H

#include "mtbench/err.h"

#include <stdbool.h>

struct modelpath {
    char **path;                 /* (n) the files that matter, sorted; a lone .gguf for a GGUF model */
    int n;
};

/* 'revision': a branch, tag or commit of the hub cache; NULL: main. -1: err (io, model) saying where it looked. */
int modelpath_resolve(const char *name, const char *revision, struct modelpath *out, struct err *err);
void modelpath_free(struct modelpath *m);

/* Is this file of a model's folder, by its path in there, one that is read beside the weights? */
bool modelpath_reads_text(const char *name);
/* Is this a PyTorch file that lies beside a model's weights and is none: an optimizer's state, an adapter ...? */
bool modelpath_no_model(const char *name);

#endif
