/* share.c - what of a model each member of a tensor group holds. Cuts fall between virtual shards (ops.h), heads, and panels of 32 rows. */
#include "model_priv.h"

#include <stdio.h>
#include <string.h>

static bool fits(const struct model_config *c, int degree)
{
    /* a member has whole KV heads, or a part of the heads of one */
    return c->n_shards % degree == 0 && (c->n_kv % degree == 0 || degree % c->n_kv == 0);
}

int model_degrees(const struct model_config *c, int degree[4])
{
    int n = 0;
    for (int d = 1; d <= COMM_MAX; d *= 2)
        if (fits(c, d))
            degree[n++] = d;
    return n;
}

int model_check_degree(const struct model_config *c, int degree, struct err *err)
{
    int may[4], n = model_degrees(c, may);
    char list[32] = "";
    for (int i = 0; i < n; i++) {
        if (may[i] == degree)
            return 0;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%d", i == 0 ? "" : i + 1 < n ? ", " : " or ", may[i]);
    }
    return err_set(err, ERR_USAGE, "--num-gpus-per-model %d: this model of %d heads, %d KV heads and a feed-forward size of %d can be "
                   "spread over %s; give %s", degree, c->n_heads, c->n_kv, c->ff, list, n > 1 ? "one of these" : "that");
}

struct range share_range(const struct model *m, enum size s)
{
    const struct model_config *c = &m->config;
    const struct model_local *l = &m->local;
    const int r = m->share.rank;
    switch (s) {
    case DIM: return (struct range){ 0, c->dim };
    case HEADS: return (struct range){ r * l->n_heads * c->head_dim, l->n_heads * c->head_dim };
    case KV: return (struct range){ r * c->n_kv / m->share.size * c->head_dim, l->n_kv * c->head_dim };
    case FF: return (struct range){ r * l->ff, l->ff };
    case VOCAB: return (struct range){ l->vocab[r], l->n_vocab };
    default: return (struct range){ 0, 1 };
    }
}

int share_plan(struct model *m, struct err *err)
{
    const struct model_config *c = &m->config;
    struct model_local *l = &m->local;
    const int size = m->share.size, panels = (c->n_vocab + 31) / 32;
    if (model_check_degree(c, size, err) < 0)
        return -1;
    *l = (struct model_local){ .n_heads = c->n_heads / size, .n_kv = c->n_kv > size ? c->n_kv / size : 1, .ff = c->ff / size };
    for (int r = 0; r <= size; r++)
        l->vocab[r] = r < size ? panels * r / size * 32 : c->n_vocab;               /* a tied head's rows lie in panels of the embedding */
    l->n_vocab = l->vocab[m->share.rank + 1] - l->vocab[m->share.rank];
    return 0;
}
