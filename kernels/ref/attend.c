/* attend.c - softmax(q k * scale) v over what each row sees, by the book. */
#include "kernels/ref/ref.h"

#include <math.h>

double ref_f16(uint16_t h)
{
    const double sign = h & 0x8000 ? -1.0 : 1.0;
    const int e = h >> 10 & 31, m = h & 1023;
    if (e == 31)
        return m ? NAN : sign * INFINITY;
    return e ? sign * ldexp(1024 + m, e - 25) : sign * ldexp(m, -24);
}

static const uint16_t *page(const struct kv_view *kv, const struct seq_run *r, int pos, int layer, int head)
{
    const size_t index = ((size_t)r->page[pos / KV_PAGE] * (size_t)kv->n_layers + (size_t)layer) * (size_t)kv->n_kv + (size_t)head;
    return (const uint16_t *)kv->base + index * 2 * KV_PAGE * (size_t)kv->head_dim;
}

static void attend_head(double *o, const float *q, const struct kv_view *kv, const struct seq_run *r, const struct attn_shape *a, int pos,
                        int head)
{
    const int hd = a->head_dim, first = a->window && pos >= a->window ? pos - a->window + 1 : 0;
    double max = -INFINITY, sum = 0.0;
    for (int d = 0; d < hd; d++)
        o[d] = 0.0;
    for (int pass = 0; pass < 2; pass++)
        for (int p = first; p <= pos; p++) {
            const uint16_t *k = page(kv, r, p, a->layer, head), *v = k + hd * KV_PAGE;
            double s = 0.0;
            for (int d = 0; d < hd; d++)
                s += (double)q[d] * ref_f16(k[d * KV_PAGE + p % KV_PAGE]);
            s *= (double)a->scale;
            if (pass == 0) {
                max = fmax(max, s);
                continue;
            }
            sum += exp(s - max);
            for (int d = 0; d < hd; d++)
                o[d] += exp(s - max) * ref_f16(v[p % KV_PAGE * hd + d]);
        }
    for (int d = 0; d < hd; d++)
        o[d] /= sum;
}

void ref_attend(double *out, const float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct step *s)
{
    const int hd = a->head_dim, width = (a->n_heads + 2 * a->n_kv) * hd, group = a->n_heads / a->n_kv;
    for (int n = 0; n < s->n_runs; n++)
        for (int i = 0; i < s->run[n].n_rows; i++)
            for (int h = 0; h < a->n_heads; h++) {
                const int row = s->run[n].first_row + i;
                attend_head(out + (row * a->n_heads + h) * hd, qkv + row * width + h * hd, kv, &s->run[n], a, s->run[n].pos + i, h / group);
            }
}
