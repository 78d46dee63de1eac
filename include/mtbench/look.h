/* look.h - the line that says how to look at what was just shown: a command that can be pasted into a shell (room: report). */
#ifndef MTB_LOOK_H
#define MTB_LOOK_H

#include "mtbench/showing.h"

/* Append "look: mtbench browse [--data-dir D] ... -o page.html" and a newline for what was shown, or nothing: for other programs' formats,
 * and for judgments that do not lie where browse reads them. */
void look_put(struct buf *out, const struct showing *o);
/* Append a word as a shell reads it back: as it is where it may, else between single quotes. */
void look_put_word(struct buf *out, const char *word);

#endif
