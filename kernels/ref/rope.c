/* rope.c - rotary positions by the book: Su et al., "RoFormer", halves paired as in Llama. */
#include "kernels/ref/ref.h"

void ref_rope(double *out, const float *qkv, const struct attn_shape *a, const struct rope *rope, const struct step *s)
{
    const int hd = a->head_dim, half = rope->dims / 2, width = (a->n_heads + 2 * a->n_kv) * hd;
    for (int n = 0; n < s->n_runs; n++)
        for (int i = 0; i < s->run[n].n_rows; i++) {
            const int row = s->run[n].first_row + i;
            const float *t = rope->table + (s->run[n].pos + i) * 2 * half;
            for (int d = 0; d < width; d++)
                out[row * width + d] = (double)qkv[row * width + d];
            for (int h = 0; h < a->n_heads + a->n_kv; h++) {
                double *x = out + row * width + h * hd;
                for (int d = 0; d < half; d++) {
                    const double u = x[d], v = x[d + half], c = (double)t[2 * d], sn = (double)t[2 * d + 1];
                    x[d] = u * c - v * sn;
                    x[d + half] = v * c + u * sn;
                }
            }
        }
}
