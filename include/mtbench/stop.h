/* stop.h - where an answer ends and what is cleaned from it, as FastChat does after decoding (room: text).
 * Steps 8 to 11 of gen_model_answer: cut at the stop string, delete special-token texts, strip as Python does, xgen's label. */
#ifndef MTB_STOP_H
#define MTB_STOP_H

#include "mtbench/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct stop_rule {
    const char *const *stop;         /* (n_stop) the cut is at the least positive first position of any */
    int n_stop;
    const char *const *special;      /* (n_special) special-token texts, deleted in this order wherever they stand */
    int n_special;
    bool strip_assistant;            /* xgen: one leading "Assistant:" goes, then white space again */
};

/* Append the cleaned text to 'out'; a NUL in it is spelled as nul.h says, so that what is added is a C string. */
void stop_clean(const struct stop_rule *r, const char *text, size_t n, struct buf *out);
/* Is the cut certain already, whatever is generated behind this text? Then generation may end. */
bool stop_reached(const struct stop_rule *r, const char *text, size_t n);

#endif
