/* rope.c - the table of rotations, as Hugging Face computes it: frequencies and angles in fp32, cosine and sine of that angle.
 * Scalings: linear; llama3 and yarn as in transformers' modeling_rope_utils (YaRN: arXiv 2309.00071). */
#include "model_priv.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>

static float llama3_frequency(const struct model_config *c, float f)
{
    /* short waves stay, long ones are stretched by the factor, between them a mixture */
    double wavelength = 2 * M_PI / (double)f, old = c->rope.original_context;
    double low = old / (double)c->rope.low_freq, high = old / (double)c->rope.high_freq;
    if (wavelength < high)
        return f;
    if (wavelength > low)
        return f / c->rope.factor;
    /* 0 at the long end, 1 at the short one */
    double smooth = (old / wavelength - (double)c->rope.low_freq) / ((double)c->rope.high_freq - (double)c->rope.low_freq);
    return (float)((1 - smooth) * (double)f / (double)c->rope.factor + smooth * (double)f);
}

/* The dimension at which a wave turns 'rotations' times within the original context. */
static double yarn_dim(const struct model_config *c, double rotations)
{
    return c->rope.dims * log(c->rope.original_context / (rotations * 2 * M_PI)) / (2 * log((double)c->rope.theta));
}

static float yarn_frequency(const struct model_config *c, int i, float f)
{
    double low = yarn_dim(c, (double)c->rope.beta_fast), high = yarn_dim(c, (double)c->rope.beta_slow);
    if (!c->rope.exact_ramp)                                                        /* "truncate" of transformers, on unless it says no */
        low = floor(low), high = ceil(high);
    low = low < 0 ? 0 : low;
    high = high > c->rope.dims - 1 ? c->rope.dims - 1 : high;
    if (low == high)                                                                /* no division by zero, as transformers has it */
        high += 0.001;
    double ramp = (i - low) / (high - low);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    return (float)((double)f / (double)c->rope.factor * ramp + (double)f * (1 - ramp));
}

static float frequency(const struct model_config *c, int i)
{
    /* pow in double and one rounding: libm's powf differs between systems, and a bit here is another answer */
    float f = (float)(1.0 / pow((double)c->rope.theta, 2.0 * i / c->rope.dims));
    switch (c->rope.scaling) {
    case ROPE_LINEAR: return f / c->rope.factor;
    case ROPE_LLAMA3: return llama3_frequency(c, f);
    case ROPE_YARN: return yarn_frequency(c, i, f);
    default: return f;
    }
}

int model_rope(struct model *m, int n_positions, struct err *err)
{
    const struct model_config *c = &m->config;
    const size_t half = (size_t)c->rope.dims / 2, bytes = model_rope_bytes(c, n_positions);
    float *table = xcalloc((size_t)n_positions * half, 2 * sizeof(float)), *f = xcalloc(half, sizeof *f);
    for (size_t i = 0; i < half; i++)
        f[i] = frequency(c, (int)i);
    if (m->plan->rope_factor) { /* llama.cpp keeps llama3's scaling as divisors in the file */
        float *divisor = xcalloc(half, sizeof *divisor);
        m->ops->download(m->be, divisor, m->plan->rope_factor, half * sizeof *divisor);
        for (size_t i = 0; i < half; i++)
            f[i] /= divisor[i];
        free(divisor);
    }
    for (size_t p = 0; p < (size_t)n_positions; p++) {
        for (size_t i = 0; i < half; i++) {
            /* in fp32 as transformers multiplies, the sine of it in double: large angles lose the same bits */
            float angle = (float)p * f[i];
            /* attention_factor of yarn scales q and k alike, so it is in the table */
            table[(p * half + i) * 2] = (float)cos((double)angle) * c->rope.attention_factor;
            table[(p * half + i) * 2 + 1] = (float)sin((double)angle) * c->rope.attention_factor;
        }
    }
    model_rope_free(m);                                                             /* an engine of another length may have made one */
    float *there = m->ops->alloc(m->be, bytes, err);
    if (there) {
        m->ops->upload(m->be, there, table, bytes);
        m->rope = (struct rope){ .table = there, .dims = c->rope.dims };
        m->rope_positions = n_positions;
    }
    free(table);
    free(f);
    return there ? 0 : err_wrap(err, "rope table of %d positions", n_positions);
}

void model_rope_free(struct model *m)
{
    if (m->rope.table)
        m->ops->release(m->be, (void *)m->rope.table, model_rope_bytes(&m->config, m->rope_positions));
    m->rope.table = NULL;
    m->rope_positions = 0;
}
