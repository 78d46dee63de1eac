/* visible.h - what CUDA_VISIBLE_DEVICES asks for (room: backend). */
#ifndef MTB_VISIBLE_H
#define MTB_VISIBLE_H

#include "mtbench/err.h"

/* How many devices the text names: indices, or beginnings of "GPU-..." or "MIG-..." ids, separated by commas; -1 ends the list. CUDA
 * ends it without a word at the first name that it does not know, and takes none where one comes twice: here both are errors (device). */
int visible_count(const char *text, struct err *err);

#endif
