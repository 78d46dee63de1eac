/* modelpath_priv.h - what the files about a model's files share (private to base). */
#ifndef MTB_MODELPATH_PRIV_H
#define MTB_MODELPATH_PRIV_H

#include "mtbench/modelpath.h"

#include "modelfiles.h"

#include <stdbool.h>

/* What lies in a folder, sorted; names_free() in any case. -1: err (io). */
int modelpath_names(const char *folder, struct names *out, struct err *err);
/* Append the files of a model's folder, sorted, those of 'parts' (modelfiles.h) only. -1: err (io, format, model). */
int modelpath_list(const char *folder, int parts, struct modelpath *m, struct err *err);
/* Append one path, owned from here on. */
void modelpath_add(struct modelpath *m, char *path);
/* Is there such a file in the folder? */
bool modelpath_has(const char *folder, const char *name);
/* adapterpath.c: the files of an adapter's folder and, behind them, of its base, which 'base' names (NULL: adapter_config.json does). */
int adapterpath_list(const char *folder, const char *base, struct modelpath *m, struct err *err);

#endif
