/* sampler.h - which sampler a question is answered with (room: answer).
 * FastChat passes a temperature by category and nothing else; top-k, top-p and the repetition penalty then come from the model's
 * generation_config.json, and from Hugging Face's defaults where that is silent (top_k 50, the rest off). Flags override both. */
#ifndef MTB_SAMPLER_H
#define MTB_SAMPLER_H

#include "mtbench/model.h"

/* The sampler of all questions but for its temperature, which is negative when the category decides. */
struct sampling sampler_common(const struct generation *flags, const struct model_config *model);
/* ... of one question: 'temperature' is the question's own (required or of its category). */
struct sampling sampler_for(const struct sampling *common, double temperature);
/* "temperature by category, top_k 50, ..." as a manifest has it: a run is resumed only where these words are the same. Caller frees. */
char *sampler_words(const struct sampling *common);

#endif
