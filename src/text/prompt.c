/* prompt.c - from messages to the text and the token ids that the model sees.
 * Special-token texts inside the rendered prompt are special tokens, as in Hugging Face and FastChat. A model's own template writes its
 * BOS itself; for FastChat's named templates the tokenizer adds what it adds by default, but never a second BOS. */
#include "mtbench/prompt.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

int prompt_encode(struct prompt *p, const struct tokenizer *t, const struct chat *c, struct err *err)
{
    unsigned flags = ENC_PARSE_SPECIAL;
    if (!chat_is_own_template(c))
        flags |= ENC_ADD_SPECIAL;
    if (tokenizer_encode(t, p->text.data, p->text.len, flags, &p->ids, err) < 0)
        return -1;
    int bos = tokenizer_bos(t);
    /* A template file that writes BOS over a tokenizer that adds it: llama.cpp warns of this, and answers get worse by it. */
    if (bos >= 0 && p->ids.n >= 2 && p->ids.id[0] == bos && p->ids.id[1] == bos) {
        p->ids.n--;
        memmove(p->ids.id, p->ids.id + 1, p->ids.n * sizeof *p->ids.id);
    }
    return 0;
}

int prompt_build(struct prompt *p, const struct tokenizer *t, const struct chat *c, const struct chat_message *message, int n_messages,
                 struct err *err)
{
    return chat_render(c, message, n_messages, true, &p->text, err) < 0 ? -1 : prompt_encode(p, t, c, err);
}

/* The system text in front of the message after it. */
static int build_without_system(struct prompt *p, const struct tokenizer *t, const struct chat *c, const struct chat_message *message,
                                int n_messages, struct err *err)
{
    struct buf both = {0};
    struct chat_message *m = xcalloc((size_t)n_messages, sizeof *m);
    memcpy(m, message + 1, (size_t)(n_messages - 1) * sizeof *m);
    buf_add(&both, message[0].content, message[0].n_content);
    /* as FastChat's templates without a system role put it */
    buf_str(&both, "\n\n");
    buf_add(&both, message[1].content, message[1].n_content);
    m[0].content = both.data;
    m[0].n_content = both.len;
    /* what the first try left */
    prompt_free(p);
    int rc = prompt_build(p, t, c, m, n_messages - 1, err);
    buf_free(&both);
    free(m);
    return rc;
}

int prompt_build_merged(struct prompt *p, const struct tokenizer *t, const struct chat *c, const struct chat_message *message,
                        int n_messages, bool *merged, struct err *err)
{
    *merged = false;
    int rc = prompt_build(p, t, c, message, n_messages, err);
    if (n_messages < 2 || strcmp(message[0].role, "system") || (rc == 0 && !chat_drops_system(c, message, n_messages)))
        return rc;
    rc = build_without_system(p, t, c, message, n_messages, err);
    *merged = rc == 0;
    return rc;
}

void prompt_free(struct prompt *p)
{
    buf_free(&p->text);
    ids_free(&p->ids);
}
