/* sampler.c - which sampler a question gets: flags, then generation_config.json, then Hugging Face's defaults; FastChat's temperature. */
#include "mtbench/sampler.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

int main(void)
{
    struct model_config silent = {0}, says = {0};
    struct generation none = {0};
    says.generation.has_top_p = says.generation.has_top_k = says.generation.has_repetition_penalty = says.generation.has_temperature = true;
    says.generation.top_p = 0.8f;
    says.generation.top_k = 20;
    says.generation.repetition_penalty = 1.05f;
    says.generation.temperature = 0.6f;
    struct sampling s = sampler_common(&none, &silent);
    ok(s.temperature < 0 && s.top_k == 50 && s.top_p == 1.0f && s.min_p == 0.0f && s.repetition_penalty == 1.0f,
       "nobody says anything: top_k 50, the rest off");
    s = sampler_common(&none, &says);
    ok(s.temperature < 0 && s.top_k == 20 && s.top_p == 0.8f && s.repetition_penalty == 1.05f,
       "the model says; its temperature is not FastChat's way");
    struct generation flags = { .has_top_k = true, .top_k = 0, .has_min_p = true, .min_p = 0.1f };
    s = sampler_common(&flags, &says);
    ok(s.top_k == 0 && s.min_p == 0.1f && s.top_p == 0.8f, "flags go before, one by one; 0 is off");
    struct sampling q = sampler_for(&s, 0.7);
    ok(q.temperature == 0.7f && q.top_p == 0.8f && q.top_k == 0, "the question's temperature");
    flags.has_temperature = true;
    flags.temperature = 0;
    s = sampler_common(&flags, &says);
    q = sampler_for(&s, 0.7);
    ok(q.temperature == 0, "a flag goes before the question's temperature");

    char *words = sampler_words(&s), *by_category = sampler_words(&(struct sampling){ .temperature = -1, .top_k = 50, .top_p = 0.9f });
    ok(!strcmp(words, "temperature 0, top_k 0, top_p 0.8, min_p 0.1, repetition_penalty 1.05"), "in words: %s", words);
    ok(!strncmp(by_category, "temperature by category, top_k 50, top_p 0.9,", 45), "%s", by_category);
    free(words), free(by_category);

    static const struct { struct generation f; const char *name;
    } bad[] = {
        {{.has_temperature = true, .temperature = -0.1f}, "--temperature"},
        {{.has_top_p = true, .top_p = 0}, "--top-p"},
        {{.has_top_p = true, .top_p = 1.01f}, "--top-p"},
        {{.has_top_k = true, .top_k = -1}, "--top-k"},
        {{.has_top_k = true, .top_k = 1L << 31}, "--top-k"},
        {{.has_min_p = true, .min_p = 1}, "--min-p"},
        {{.has_repetition_penalty = true}, "--repetition-penalty"},
        {{.has_temperature = true, .temperature = __builtin_nanf("")}, "--temperature"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {0};
        ok(generation_check(&bad[i].f, true, &err) == -1 && err.kind == ERR_USAGE && !strncmp(err.text, bad[i].name, strlen(bad[i].name)),
           "refused: %s", err.text);
    }
    ok(generation_check(&flags, true, NULL) == 0 && generation_check(&none, true, NULL) == 0, "what is in range is taken");
    struct err err = {0};
    ok(generation_check(&(struct generation){ .has_top_p = true, .has_min_p = true, .min_p = 1 }, false, NULL) == 0,
       "a file may say 0 or 1 where transformers takes it");
    ok(generation_check(&(struct generation){ .has_temperature = true, .temperature = -1 }, false, NULL) == 0,
       "nobody asks its temperature");
    ok(generation_check(&(struct generation){ .has_repetition_penalty = true }, false, &err) == -1 && err.kind == ERR_MODEL &&
           !strncmp(err.text, "repetition_penalty 0:", 21),
       "what transformers refuses is refused: %s", err.text);
    return done_testing();
}
