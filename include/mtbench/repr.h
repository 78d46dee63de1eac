/* repr.h - a text as Python's repr() has it, for lines that FastChat prints from lists and tuples (room: base). */
#ifndef MTB_REPR_H
#define MTB_REPR_H

#include "mtbench/buf.h"

/* In single quotes, or in double ones where the text holds single and no double ones; what cannot be printed is escaped. */
void repr_put(struct buf *b, const char *s);

#endif
