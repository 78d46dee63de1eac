/* stops.c - the tokens that end an answer: all that any of a model's files, or its template, takes for an end. */
#include "mtbench/stops.h"

#include "mtbench/prompt.h"

static void add(const struct model_config *c, int32_t id, struct ids *out)
{
    if (id < 0 || id >= c->n_vocab)
        return;
    for (size_t i = 0; i < out->n; i++)                                             /* a handful, so no set */
        if (out->id[i] == id)
            return;
    ids_add(out, id);
}

void stops_find(const struct model_config *c, const struct tokenizer *t, const struct chat *chat, struct ids *out)
{
    const int32_t *named;
    int n_named = chat_stop_ids(chat, &named);                                      /* FastChat's templates name some */
    for (int i = 0; i < c->n_eos; i++)
        add(c, c->eos[i], out);
    add(c, tokenizer_eos(t), out);
    for (int i = 0; i < n_named; i++)
        add(c, named[i], out);
    add(c, prompt_turn_end(t, chat), out);                                          /* what the template itself puts behind an answer */
}
