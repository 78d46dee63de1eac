/* difference.h - where two answers to one prompt part: the byte, and the token that leads away (room: answer). Pure. */
#ifndef MTB_DIFFERENCE_H
#define MTB_DIFFERENCE_H

#include "mtbench/chat.h"
#include "mtbench/tokenizer.h"

enum { TOKEN_END = -1, TOKEN_UNTOLD = -2 };

struct difference {
    size_t byte;                         /* from 0: the first one of the stored text that is another */
    int token;                           /* from 0: the first of the generated tokens that leads away from the stored text */
    int32_t here;                        /* its id; TOKEN_END: the generated answer ends there */
    int32_t stored;                      /* of the stored text, as the tokenizer cuts it, the token with that byte; TOKEN_END: the text ends
                                          * there; TOKEN_UNTOLD: the tokenizer cannot cut it */
};

/* 'stored' is an answer as records have it, 'token' (n) what was generated now, whose text (chat_clean() of what the tokenizer makes of it)
 * is another. A record holds no ids, so those of the stored text are the tokenizer's, which may cut it otherwise than the model said it. */
void difference_find(const struct tokenizer *t, const struct chat *chat, const char *stored, const int32_t *token, int n,
                     struct difference *d);
/* Append "token 17 is 260 " the" here and was 264 " a", byte 87": with these words for the two sides. */
void difference_put(struct buf *out, const struct tokenizer *t, const struct difference *d, const char *here, const char *there);

#endif
