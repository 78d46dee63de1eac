/* modelpath.h - from what the user calls a model to its files (room: base).
 * A folder, a .gguf file, or a hub id "org/name" that lies in the local hub cache: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub,
 * XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub, the first one that is set. Nothing is downloaded. */
#ifndef MTB_MODELPATH_H
#define MTB_MODELPATH_H

#include "mtbench/err.h"

struct modelpath {
    char **path;                 /* (n) the files that matter, sorted; a lone .gguf for a GGUF model */
    int n;
};

/* 'revision': a branch, tag or commit of the hub cache; NULL: main. -1: err (io, model) saying where it looked. */
int modelpath_resolve(const char *name, const char *revision, struct modelpath *out, struct err *err);
void modelpath_free(struct modelpath *m);

#endif
