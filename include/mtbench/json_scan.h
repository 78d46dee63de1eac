/* json_scan.h - JSON read in one pass, without a tree: for long files of which little is needed (room: base).
 * Everything that is passed over is still checked: grammar (RFC 8259, and NaN and Infinity as Python has them), UTF-8, depth. */
#ifndef MTB_JSON_SCAN_H
#define MTB_JSON_SCAN_H

#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_scan {
    const char *start, *at, *end;
    const char *wrong;                   /* what stopped the scan, for json_scan_error(); NULL so far */
};

/* The bytes between the quotes, as they stand in the text. */
struct json_text {
    const char *ptr;
    size_t len;
    bool escaped;                        /* there are backslashes in it */
};

void json_scan_begin(struct json_scan *s, const char *text, size_t n);
/* The first byte of the next token, or 0 at the end; blanks before it are passed. */
char json_scan_peek(struct json_scan *s);

/* All of these return false when the text is something else, or broken. */
bool json_scan_string(struct json_scan *s, struct json_text *out);
/* A number (NaN and Infinity too); 'is_int': it has neither point nor exponent. Out of range becomes infinite, as strtod does. */
bool json_scan_number(struct json_scan *s, double *value, bool *is_int);
bool json_scan_skip(struct json_scan *s);
/* Open a list or object with '[' or '{'. */
bool json_scan_open(struct json_scan *s, char bracket);
/* The next element of a list, or key of an object: 1 there is one (the scan stands at the value), 0 it was closed, -1 broken.
 * 'first' starts true for each opened bracket. */
int json_scan_item(struct json_scan *s, bool *first);
int json_scan_key(struct json_scan *s, bool *first, struct json_text *key);
/* Nothing but blanks is left. */
bool json_scan_end(struct json_scan *s);
/* Fill err (format) with what is wrong and the column. Returns -1. */
int json_scan_error(const struct json_scan *s, struct err *err);

/* Members of an object, by name: of several of one name the last counts, as in Python; a value with ptr NULL is not there. Everything in
 * the text is checked, and it is one object. -1: err (format). The values point into the text; numbers and strings are read from them at
 * leisure. */
struct json_member {
    const char *name;
    struct slice value;
};
int json_scan_members(const char *text, size_t n, struct json_member *m, int n_members, struct err *err);
/* From the value of a member: false if it is something else, or not there. A string's escapes are not resolved yet. */
bool json_member_string(struct slice value, struct json_text *out);
bool json_member_number(struct slice value, double *v, bool *is_int);
/* A whole number that JSON carries exactly (53 bits). */
bool json_member_whole(struct slice value, int64_t *v);

/* Does the text, its escapes resolved, equal 'name'? */
bool json_text_is(const struct json_text *t, const char *name);
/* Resolve escapes into 'out' (room for t->len bytes), \u0000 as nul.h spells it; returns the length, or -1 for half a surrogate pair, which
 * UTF-8 does not have. */
long json_text_decode(const struct json_text *t, char *out);

#endif
