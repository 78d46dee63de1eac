/* modelpath.h - from what the user calls a model to its files (room: base).
 * A folder, a .gguf file, or a hub id "org/name" that lies in the local hub cache (hubcache.h). Nothing is downloaded. */
#ifndef MTB_MODELPATH_H
#define MTB_MODELPATH_H

#include "mtbench/err.h"

struct modelpath {
    char **path;                 /* (n) the files that matter, sorted; a lone .gguf for a GGUF model; of an adapter its own files, sorted,
                                  * and behind them those of its base */
    int n;
};

/* 'revision': a branch, tag or commit of the hub cache; NULL: main.
 * A folder with adapter_config.json is an adapter, also where full weights lie in it. Its base is 'base' (a folder or hub id), or NULL:
 * what adapter_config.json names, a folder (as seen from the working folder) or a hub id of the revision that it says. Tokenizer and chat
 * template are the adapter's where its folder has all that a tokenizer needs, else the base's, so that each file name but for the weights
 * occurs once. -1: err (io, model, usage) saying where it looked. */
int modelpath_resolve(const char *name, const char *revision, const char *base, struct modelpath *out, struct err *err);
void modelpath_free(struct modelpath *m);

#endif
