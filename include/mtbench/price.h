/* price.h - what a judge costs, from a dated file that users edit (room: judge). */
#ifndef MTB_PRICE_H
#define MTB_PRICE_H

#include "mtbench/err.h"

#include <stddef.h>

struct price { double in, out; };        /* US dollars per million tokens; -1: unknown */

/* The last line of the file whose pattern (a glob over the model's name) fits: "PATTERN IN OUT [# remark]". No such line: both stay as they
 * are. 'name' stands in messages. -1: err (format, with the line). */
int price_find(const char *name, const char *text, size_t n, const char *model, struct price *p, struct err *err);

#endif
