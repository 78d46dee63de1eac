/* prompt.h - messages to the text and the token ids that a model sees (room: text). */
#ifndef MTB_PROMPT_H
#define MTB_PROMPT_H

#include "mtbench/chat.h"
#include "mtbench/tokenizer.h"

struct prompt {                          /* zeroed is empty */
    struct buf text;
    struct ids ids;
};

/* Append the rendered messages, open for the assistant's answer, and their ids. -1: err (model: the template refused the messages;
 * format). */
int prompt_build(struct prompt *p, const struct tokenizer *t, const struct chat *c, const struct chat_message *message, int n_messages,
                 struct err *err);
/* The same; where the template refuses a leading system message or drops it in silence, its text stands before that of the message after
 * it, a blank line between, and '*merged' says so. */
int prompt_build_merged(struct prompt *p, const struct tokenizer *t, const struct chat *c, const struct chat_message *message,
                        int n_messages, bool *merged, struct err *err);
/* The same as prompt_build() for a text that is rendered already. */
int prompt_encode(struct prompt *p, const struct tokenizer *t, const struct chat *c, struct err *err);
/* The control token that the template puts behind an answer ("<|im_end|>"); -1: it puts text there, or nothing. */
int32_t prompt_turn_end(const struct tokenizer *t, const struct chat *c);
void prompt_free(struct prompt *p);

#endif
