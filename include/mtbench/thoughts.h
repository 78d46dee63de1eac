/* thoughts.h - a model's thoughts, told from what it says, whatever its family marks them with (room: text). Pure.
 * Marks are a table in thoughts.c; letters count in either case. A reply whose special tokens were kept in decoding shows all of them, one
 * whose special tokens were dropped only those that are ordinary text, and gpt-oss's channel names. */
#ifndef MTB_THOUGHTS_H
#define MTB_THOUGHTS_H

#include "mtbench/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct thought_mark;                     /* a row of the table */

/* The mark that the end of this prompt leaves open, as templates of R1 and Qwen3 do; NULL: none. */
const struct thought_mark *thoughts_opened(const char *prompt, size_t n);

enum thoughts { THOUGHTS_NONE, THOUGHTS_ENDED, THOUGHTS_OPEN };     /* open: they never end, and nothing was said */

/* Where the answer begins, past the blanks behind the thoughts in front of it; what stands before an end mark that nothing opened is
 * thought. Thoughts further on are left alone: an answer may speak of such tags. 'opened' as of the prompt. Open: *answer is n. */
enum thoughts thoughts_split(const struct thought_mark *opened, const char *text, size_t n, size_t *answer);

/* Does the text begin with words that announce thoughts ("Here is my thought process:") and never come to the answer? Many answers that
 * have no thoughts begin so; of a text that its token limit cut, nothing but thoughts is there. */
bool thoughts_announced(const char *text, size_t n);

/* Append the text without any thoughts, wherever they stand: what a verdict may be read from. An open mark that is not closed counts where
 * a line begins with it; all before an end mark that nothing opened is thought. *behind (may be NULL) is past the last of them, 0 if there
 * are none; n where they are open. */
enum thoughts thoughts_strike(const struct thought_mark *opened, const char *text, size_t n, struct buf *out, size_t *behind);

#endif
