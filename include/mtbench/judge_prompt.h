/* judge_prompt.h - the prompts of judge_prompts.jsonl and how they are filled (room: bench). */
#ifndef MTB_JUDGE_PROMPT_H
#define MTB_JUDGE_PROMPT_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>

enum verdict_format { VERDICT_RATING, VERDICT_AB, VERDICT_TWO_RATINGS };     /* [[rating]], [[A]], [[rating_a,rating_b]] */

struct judge_prompt {
    char *name;
    bool pairwise;
    char *system_prompt, *prompt_template;
    enum verdict_format format;
};

struct judge_prompts {
    struct judge_prompt *prompt;
    int n;
    char sha256[65];                     /* of the file */
};

/* Parse judge_prompts.jsonl; 'name' stands in messages. A broken or empty line, an unknown type or output format: err (format). Of two
 * prompts of one name the last is found. On 0 release with judge_prompts_free(). */
int judge_prompts_parse(const char *name, const char *data, size_t n, struct judge_prompts *out, struct err *err);
void judge_prompts_free(struct judge_prompts *p);
const struct judge_prompt *judge_prompts_find(const struct judge_prompts *p, const char *name);

enum { JUDGE_MAX_TURNS = 10 };
/* Add to each two-turn prompt NAME-multi-turn those for 3 .. turns (at most JUDGE_MAX_TURNS) turns, as NAME-multi-turn-3 and so on: the
 * blocks around {question_2}, {answer_2} ... come again for each further turn with its number in their labels, and "second" is "third" ...
 * in the system text (where it does not say "second", a sentence names the turn). A prompt that the file has under such a name stands; one
 * whose fields do not stand in blocks, turn 1 before turn 2, gets none. Pointers into 'p' end. */
void judge_prompts_extend(struct judge_prompts *p, int turns);

struct prompt_field { const char *name, *value; };
/* Python's str.format with named fields: {name}, {{ and }}; braces in the values are left alone. A field without a value, a lone brace or a
 * conversion or format inside one ({x!r}, {x:10}): err (format) that names prompt and field. Appends to 'out'. */
int judge_prompt_fill(const struct judge_prompt *p, const struct prompt_field *field, int n, struct buf *out, struct err *err);

#endif
