/* turn_end.c - the control token that a template puts behind an answer.
 * Many files name another end of text (the base model's) than the one their template teaches, and a model that has been taught says that
 * one. It is found by rendering an answer and looking at what stands behind it, so no family's name for it is needed. */
#include "mtbench/prompt.h"

#include <string.h>

static const char mark[] = "Zq7Zq7";      /* nothing that a filter of a template changes, or that stands in one */

/* The token that begins 'text', if it is one that words cannot give. */
static int32_t leading_control(const struct tokenizer *t, const char *text)
{
    struct ids ids = {0};
    struct err ignored;
    text += strspn(text, " \t\r\n");
    int32_t id = *text && tokenizer_encode(t, text, strlen(text), ENC_PARSE_SPECIAL, &ids, &ignored) == 0 && ids.n ? ids.id[0] : -1;
    ids_free(&ids);
    return id >= 0 && tokenizer_is_control(t, id) ? id : -1;
}

static int32_t behind_answer(const struct tokenizer *t, const struct chat *c, int n_messages)
{
    static const struct chat_message m[] = { { "user", "Hello", 5 }, { "assistant", mark, sizeof mark - 1 }, { "user", "Bye", 3 } };
    struct buf b = {0};
    struct err ignored;
    int32_t id = -1;
    /* A template that refuses these messages simply has no end that could be found. */
    if (chat_render(c, m, n_messages, false, &b, &ignored) == 0 && b.data)
        for (const char *p = b.data; (p = strstr(p, mark)); p += sizeof mark - 1)
            id = leading_control(t, p + sizeof mark - 1);
    buf_free(&b);
    return id;
}

/* Some templates leave the last answer open, and close it with what begins the next message (GLM's <|user|>); some end the last answer
 * otherwise than those before it, and then the last one's end is the end. */
int32_t prompt_turn_end(const struct tokenizer *t, const struct chat *c)
{
    int32_t id = behind_answer(t, c, 2);
    return id >= 0 ? id : behind_answer(t, c, 3);
}
