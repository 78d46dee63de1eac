/* nul.h - the character U+0000 inside C strings (room: base).
 * A model may say it, and FastChat keeps it ("O\u0000K"). Texts with a length hold it as the byte 0; C strings hold it as C0 80, the
 * spelling of "modified UTF-8", which is never valid UTF-8 and so means nothing else. JSON goes both ways as \u0000 (json.h). */
#ifndef MTB_NUL_H
#define MTB_NUL_H

#include "mtbench/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes 0 of b from 'start' on become C0 80. */
void nul_spell(struct buf *b, size_t start);
/* Does s hold C0 80? */
bool nul_spelled(const char *s, size_t n);
/* s, a C string, with every C0 80 as the byte 0, in place: no C string any more. Returns its bytes. */
size_t nul_unspell(char *s);
/* Append s with every C0 80 as the byte 0. */
void nul_read(struct buf *out, const char *s, size_t n);

#endif
