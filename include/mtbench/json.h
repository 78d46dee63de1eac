/* json.h - JSON in, by cJSON with the checks that hostile lines need; JSON out, to the byte as Python's json.dumps (room: base). */
#ifndef MTB_JSON_H
#define MTB_JSON_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* One JSON value in exactly these bytes (blanks around it are fine); \u0000 in its texts as nul.h spells it. NULL (err: format, with the
 * column) for anything else and for bytes that are no UTF-8. Release with cJSON_Delete(). */
cJSON *json_parse(const char *text, size_t n, struct err *err);
/* As json_parse(), of what Python's json writes: NaN, Infinity and -Infinity, which are no JSON, are null. */
cJSON *json_parse_python(const char *text, size_t n, struct err *err);
/* The member 'name' of an object, the last one if there are several; NULL if there is none. */
const cJSON *json_get(const cJSON *object, const char *name);
/* Is it a whole number that JSON carries exactly (53 bits)? Then into *value. 'j' may be NULL. */
bool json_whole(const cJSON *j, int64_t *value);

/* As json.dumps writes it with its defaults: ASCII only, \uXXXX in lower case, surrogate pairs; U+0000 (as a byte or as nul.h
 * spells it) as \u0000. 's' is valid UTF-8. */
void json_put_string(struct buf *b, const char *s, size_t n);
void json_put_int(struct buf *b, int64_t v);
/* Shortest form that reads back to the same double, with ".0" or an exponent, as repr(float). */
void json_put_double(struct buf *b, double v);
/* Shortest form that reads back to the same float: 0.7, not 0.699999988. */
void json_put_float(struct buf *b, float v);
/* A further member of an object: ', "name": value'. NULL, and a number that is not finite, are null. */
void json_put_text_member(struct buf *b, const char *name, const char *value);
void json_put_number_member(struct buf *b, const char *name, double value);

/* Is this valid UTF-8 (RFC 3629)? Returns the offset of the first bad byte, or -1. */
long utf8_bad(const char *s, size_t n);
/* How many bytes of a text, at most 'most', do not end inside a character: for "%.*s". */
int utf8_fit(const char *s, int most);

#endif
