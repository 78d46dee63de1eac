/* regex_dialect.h - a pattern written for Oniguruma (Ruby's syntax), as tokenizer.json has them, to one of PCRE2 (room: text). */
#ifndef MTB_REGEX_DIALECT_H
#define MTB_REGEX_DIALECT_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

/* Append to 'out' the pattern that PCRE2 (UTF, UCP, MULTILINE) matches as Oniguruma matches s. -1: err (model) names what has no like
 * there; 'out' then holds anything. Whether the result is a well-formed pattern is for PCRE2 to say. Source: Oniguruma's doc/RE, its
 * ONIG_SYNTAX_RUBY. */
int regex_to_pcre2(const char *s, size_t n, struct buf *out, struct err *err);

#endif
