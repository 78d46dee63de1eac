/* fastchat_file.h - where this machine has FastChat's conversation.py (room: rig, private). */
#ifndef MTB_FASTCHAT_FILE_H
#define MTB_FASTCHAT_FILE_H

#include "mtbench/err.h"

/* The first that is there of: 'given' (--fastchat; the file, the package's folder or a checkout's), MTBENCH_FASTCHAT (the same),
 * DATA_DIR/fastchat (what `fetch` brings), the packages of $VIRTUAL_ENV, $CONDA_PREFIX, $PYTHONPATH, the user and the system, a checkout
 * here or above. '*path' is the caller's to free; NULL: there is none. -1: err (usage), what was named is not there. Local. */
int fastchat_file_find(const char *given, const char *data_dir, char **path, struct err *err);

#endif
