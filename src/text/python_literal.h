/* python_literal.h - tokens of Python source, and what its literals say; nothing is run (private to text).
 * Enough of the language's lexical rules to walk a whole module without losing its place: names, numbers, strings of every prefix,
 * comments, joined lines. Of expressions only literals have a value here. */
#ifndef MTB_PYTHON_LITERAL_H
#define MTB_PYTHON_LITERAL_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stdint.h>

enum python_token { PYTHON_END, PYTHON_NAME, PYTHON_NUMBER, PYTHON_STRING, PYTHON_OTHER };

/* A place in the source: a copy of it is a mark to come back to. */
struct python_reader {
    const char *next, *end;
    long line;                           /* of the token, from 1 */
    long next_line;
    enum python_token kind;
    const char *at;                      /* the token: a string with its prefix and quotes, any other sign alone */
    size_t n;
};

/* Before the first token. A byte order mark is passed over. */
void python_begin(struct python_reader *r, const char *source, size_t n);
/* On to the next token; PYTHON_END once the source is over. -1: err (format): a string without an end, a NUL. */
int python_next(struct python_reader *r, struct err *err);
/* Is the token this name, or this sign? */
bool python_is(const struct python_reader *r, const char *text);

enum python_kind { PYTHON_NONE, PYTHON_TEXT, PYTHON_WHOLE, PYTHON_WORD, PYTHON_ROW };

struct python_value {
    enum python_kind kind;
    struct buf text;                     /* TEXT: UTF-8 without NUL; WORD: a dotted name as it stands, True and False among them */
    int64_t whole;
    struct python_value *item;           /* (n) ROW: a tuple or a list */
    int n;
};

/* The literal that begins with the reader's token; the token is then the one behind it. None is PYTHON_NONE, strings side by side are one.
 * -1: err (format), naming what is no literal; 'out' is to be freed all the same. */
int python_value_read(struct python_reader *r, struct python_value *out, struct err *err);
void python_value_free(struct python_value *v);

#endif
