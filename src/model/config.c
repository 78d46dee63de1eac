/* config.c - a model's configuration, checked so that later rooms need not; what it says is read in config_hf.c and config_gguf.c. */
#include "model_priv.h"

#include "mtbench/mem.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *arch_names(void)
{
    static char names[256];                                                         /* the same text on every call */
    names[0] = '\0';
    for (int i = 0; i < arch_count; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, arch_table[i].hf_name);
    }
    return names;
}

/* Virtual K shards: the largest of 8, 4, 2, 1 that divides the heads and leaves whole blocks of 32 of both row-parallel inputs. */
static int shards_of(const struct model_config *c)
{
    /* as many as a tensor-parallel degree may ever be: a model's sums are cut alike on 1, 2, 4 and 8 devices */
    for (int v = 8; v > 1; v /= 2)
        /* o is cut between heads, down between blocks of quantised weights */
        if (c->n_heads % v == 0 && c->ff % (v * 32) == 0 && c->n_heads * c->head_dim % (v * 32) == 0)
            return v;
    return 1;
}

static int range(const char *name, long value, long low, long high, struct err *err)
{
    if (value < low || value > high)
        return err_set(err, ERR_MODEL, "the %s is %ld; it must lie between %ld and %ld", name, value, low, high);
    return 0;
}

int config_check(struct model_config *c, struct err *err)
{
    /* so that no product of sizes overflows, here or later */
    if (range("number of layers", c->n_layers, 1, 1024, err) < 0 || range("hidden size", c->dim, 1, 1 << 16, err) < 0 ||
        range("number of attention heads", c->n_heads, 1, 1024, err) < 0 ||
        range("number of key-value heads", c->n_kv, 1, c->n_heads, err) < 0 || range("head dimension", c->head_dim, 16, 256, err) < 0 ||
        range("feed-forward size", c->ff, 1, 1 << 20, err) < 0 || range("vocabulary", c->n_vocab, 1, 1 << 24, err) < 0 ||
        range("context length", c->context, 1, 1 << 26, err) < 0 ||
        range("number of rotated dimensions", c->rope.dims, 2, c->head_dim, err) < 0 ||
        range("sliding window", c->window, 0, INT_MAX, err) < 0)
        return -1;
    if (c->head_dim % 16 || c->rope.dims % 2) /* kernels take whole vectors of a head, rotations pairs */
        return err_set(err, ERR_MODEL, "head dimension %d with %d rotated: heads must be a multiple of 16, rotated dimensions even",
                       c->head_dim, c->rope.dims);
    if (c->n_heads % c->n_kv)
        return err_set(err, ERR_MODEL, "%d attention heads are no multiple of %d key-value heads", c->n_heads, c->n_kv);
    if (c->dim % 16 || c->ff % 16)
        return err_set(err, ERR_MODEL, "hidden size %d and feed-forward size %d must be multiples of 16", c->dim, c->ff);
    /* written so that NaN fails */
    if (!(c->norm_eps > 0 && c->norm_eps < 1) || !(c->rope.theta > 1) || !isfinite(c->rope.theta) || !(c->rope.factor > 0))
        return err_set(err, ERR_MODEL, "norm epsilon %g, rope base %g or scaling factor %g is impossible", (double)c->norm_eps,
                       (double)c->rope.theta, (double)c->rope.factor);
    c->n_shards = shards_of(c);                                                     /* sizes are known to be sane now */
    return 0;
}

void config_add_eos(struct model_config *c, double id)
{
    if (!(id >= 0 && id < c->n_vocab)) /* a pad or an end beyond the embedding is never drawn */
        return;
    for (int i = 0; i < c->n_eos; i++)
        if (c->eos[i] == (int32_t)id)
            return;
    c->eos = xrealloc(c->eos, (size_t)c->n_eos + 1, sizeof *c->eos);
    c->eos[c->n_eos++] = (int32_t)id;
}

void config_free(struct model_config *c)
{
    free(c->eos);
    c->eos = NULL;
    c->n_eos = 0;
}

int config_window(const struct model_config *c, int l)
{
    return c->windowed[l / 64] >> (l % 64) & 1 ? c->window : 0;
}

void config_set_window(struct model_config *c, int l)
{
    c->windowed[l / 64] |= 1ull << (l % 64);
}

double model_parameters(const struct model_config *c)
{
    double heads = (double)c->n_heads * c->head_dim, kv = (double)c->n_kv * c->head_dim;
    double layer = (double)c->dim * (2 * heads + 2 * kv + 3.0 * c->ff + 2);         /* q and o; k and v; gate, up, down; two norms */
    return c->n_layers * layer + (double)c->n_vocab * c->dim * (c->tied ? 1 : 2) + c->dim;
}
