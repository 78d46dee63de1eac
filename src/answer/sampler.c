/* sampler.c - which sampler a question is answered with: flags, then generation_config.json, then Hugging Face's defaults. */
#include "mtbench/sampler.h"

#include "mtbench/mem.h"

#include <stdio.h>

enum { HF_TOP_K = 50 };           /* GenerationConfig.top_k of transformers when a model says nothing */

struct sampling sampler_common(const struct generation *f, const struct model_config *m)
{
    /* -1: by question. For all else FastChat hands nothing to generate(), so the model's generation_config.json
     * speaks, in greedy decoding too. */
    struct sampling s = { .temperature = f->has_temperature ? f->temperature : -1.0f };
    s.top_k = f->has_top_k ? (int)f->top_k : m->generation.has_top_k ? (int)m->generation.top_k : HF_TOP_K;
    s.top_p = f->has_top_p ? f->top_p : m->generation.has_top_p ? m->generation.top_p : 1.0f;
    s.min_p = f->has_min_p ? f->min_p : m->generation.has_min_p ? m->generation.min_p : 0.0f;
    s.repetition_penalty = f->has_repetition_penalty              ? f->repetition_penalty
                           : m->generation.has_repetition_penalty ? m->generation.repetition_penalty
                                                                  : 1.0f;
    return s;
}

struct sampling sampler_for(const struct sampling *common, double temperature)
{
    struct sampling s = *common;
    if (s.temperature < 0)
        s.temperature = (float)temperature;
    return s;
}

char *sampler_words(const struct sampling *s)
{
    char temperature[32] = "by category";
    if (s->temperature >= 0)
        snprintf(temperature, sizeof temperature, "%g", (double)s->temperature);
    return xasprintf("temperature %s, top_k %d, top_p %g, min_p %g, repetition_penalty %g", temperature, s->top_k, (double)s->top_p,
                     (double)s->min_p, (double)s->repetition_penalty);
}
