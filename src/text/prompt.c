/* prompt.c - from messages to the text and the token ids that the model sees.
 * Special-token texts inside the rendered prompt are special tokens, as in Hugging Face and FastChat. A model's own template writes its
 * BOS itself; for FastChat's named templates the tokenizer adds what it adds by default, but never a second BOS. */
#include "mtbench/prompt.h"

#include <string.h>

int prompt_encode(struct prompt *p, const struct tokenizer *t, const struct chat *c, struct err *err)
{
    unsigned flags = ENC_PARSE_SPECIAL;
    if (!chat_is_own_template(c))
        flags |= ENC_ADD_SPECIAL;
    if (tokenizer_encode(t, p->text.data, p->text.len, flags, &p->ids, err) < 0)
        return -1;
    int bos = tokenizer_bos(t);
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

void prompt_free(struct prompt *p)
{
    buf_free(&p->text);
    ids_free(&p->ids);
}
