/* table_rule.h - the rule below the heads of a Markdown table, as md4c wants it (room: report, its own). */
#ifndef MTB_TABLE_RULE_H
#define MTB_TABLE_RULE_H

#include "mtbench/buf.h"

/* Append the text with each rule, such as |-|:-:|, in the form |---|:---:|: GitHub takes a single dash, md4c 0.4.8 wants three. A rule is a
 * line of nothing but pipes, dashes, colons and blanks behind one of as many cells, outside of code. */
void table_rules_widen(struct buf *out, const char *text, size_t n);

#endif
