/* sample.c - the probabilities from which a token is drawn, by sorting: the logits processors of Hugging Face in their order. */
#include "kernels/ref/ref.h"

#include <math.h>
#include <stdlib.h>

struct entry {
    double x;
    int id;
};

static int by_logit(const void *a, const void *b)
{
    const struct entry *p = a, *q = b;
    return p->x > q->x ? -1 : p->x < q->x ? 1 : p->id < q->id ? -1 : 1;
}

void ref_sample(double *p, const float *logits, int n_vocab, const struct sampling *how)
{
    struct entry *e = malloc((size_t)n_vocab * sizeof *e);
    for (int i = 0; i < n_vocab; i++) {
        double x = (double)logits[i];
        if (how->seen && how->seen[i / 64] >> (i % 64) & 1)
            x = x > 0.0 ? x / (double)how->repetition_penalty : x * (double)how->repetition_penalty;
        e[i] = (struct entry){ x / (double)how->temperature, i };
    }
    qsort(e, (size_t)n_vocab, sizeof *e, by_logit);
    int kept = how->top_k > 0 && how->top_k < n_vocab ? how->top_k : n_vocab;
    double sum = 0.0, run = 0.0, max = e[0].x;
    for (int i = 0; i < kept; i++)
        sum += exp(e[i].x - max);
    for (int i = 0; i < kept && how->top_p < 1.0f; i++) {
        run += exp(e[i].x - max) / sum;
        if (run >= (double)how->top_p)
            kept = i + 1;
    }
    while (kept > 1 && exp(e[kept - 1].x - max) < (double)how->min_p)
        kept--;
    sum = 0.0;
    for (int i = 0; i < kept; i++)
        sum += exp(e[i].x - max);
    for (int i = 0; i < n_vocab; i++)
        p[e[i].id] = i < kept ? exp(e[i].x - max) / sum : 0.0;
    free(e);
}
