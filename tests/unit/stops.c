/* stops.c - which tokens end an answer, whatever a family calls its end of turn: templates in the forms that families use, over a
 * vocabulary that has their marks as control tokens. */
#include "mtbench/stops.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"
#include "mtbench/prompt.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { CONTROLS = 12, WORDS = 96 };

/* Ids 0 .. 11, then the printable characters and one merge, without which no such vocabulary is. */
static const char *const control[CONTROLS] = {
    "<s>",           "</s>",       "<|im_end|>",    "<end_of_turn>", "<|eot_id|>", "<|end|>", "<|user|>", "<|END_OF_TURN_TOKEN|>",
    "<|endoftext|>", "<|return|>", "<|assistant|>", "<unk>",
};

static struct tokenizer *make_tokenizer(int32_t eos)
{
    struct slice token[CONTROLS + WORDS];
    int32_t type[CONTROLS + WORDS];
    static char letter[WORDS];
    struct err err;
    for (int i = 0; i < CONTROLS + WORDS; i++) {
        if (i >= CONTROLS)
            letter[i - CONTROLS] = (char)(' ' + i - CONTROLS);
        token[i] = i < CONTROLS ? (struct slice){ control[i], strlen(control[i]) } : (struct slice){ &letter[i - CONTROLS], 1 };
        type[i] = i < CONTROLS ? TOKEN_CONTROL : TOKEN_NORMAL;
    }
    token[CONTROLS + WORDS - 1] = (struct slice){ "ab", 2 };
    token[CONTROLS] = (struct slice){ "\xc4\xa0", 2 };            /* a blank and a line's end, as byte-level vocabularies spell them */
    token[CONTROLS + WORDS - 2] = (struct slice){ "\xc4\x8a", 2 };
    struct vocab v = {.kind = {"gpt2", 4},
                      .pre = {"gpt-2", 5},
                      .n_tokens = CONTROLS + WORDS,
                      .token = token,
                      .type = type,
                      .n_merges = 1,
                      .merge = &(struct slice){"a b", 3},
                      .bos = 0,
                      .eos = eos,
                      .unk = -1,
                      .sep = -1,
                      .pad = -1,
                      .cls = -1,
                      .mask = -1,
                      .eot = -1};
    struct tokenizer *t = tokenizer_from_vocab(&v, &err);
    if (!t)
        ok(false, "%s", err.text);
    return t;
}

#define EACH(...) "{% for m in messages %}" __VA_ARGS__ "{% endfor %}"

static const struct {
    const char *family, *jinja;
    int32_t want;
} table[] = {
    {"ChatML", EACH("<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"), 2},
    {"Gemma", EACH("<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>\n"), 3},
    {"Llama 3", EACH("[{{ m.role }}]\n\n{{ m.content | trim }}<|eot_id|>"), 4},
    {"Phi", EACH("<|{{ m.role }}|>\n{{ m.content }}<|end|>\n"), 5},
    {"GLM, which leaves the last answer open", EACH("<|{{ m.role }}|>\n{{ m.content }}"), 6},
    {"Command-R", EACH("{{ m.content }}<|END_OF_TURN_TOKEN|>"), 7},
    {"Mistral", EACH("{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}"), 1},
    {"Zephyr, a line's end between", EACH("<|{{ m.role }}|>\n{{ m.content }}\n{{ eos_token }}\n"), 1},
    {"another end for the last answer", EACH("{{ m.content }}{% if loop.last %}<|return|>{% else %}<|end|>{% endif %}"), 9},
    {"a template that refuses to end with an answer",
     "{% if messages[-1].role == 'assistant' %}{{ raise_exception('no') }}{% endif %}" EACH("{{ m.content }}<|end|>"), 5},
    {"text between the turns", EACH("### {{ m.role }}: {{ m.content }}\n"), -1},
    {"text before the mark", EACH("{{ m.content }} END<|end|>"), -1},
    {"a template that drops answers", EACH("{% if m.role == 'user' %}{{ m.content }}<|end|>{% endif %}"), -1},
    {"a template that shows an answer twice", EACH("{{ m.content }} {{ m.content }}<|end|>"), 5},
};

static void test_turn_end(void)
{
    struct tokenizer *t = make_tokenizer(1);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err err = {0};
        struct chat *c =
            chat_create(&(struct chat_opts){.own = table[i].jinja, .n_own = strlen(table[i].jinja), .model_id = "m", .eos = "</s>"}, &err);
        int32_t got = c && t ? prompt_turn_end(t, c) : -2;
        ok(got == table[i].want, "%s: token %d%s", table[i].family, (int)got, err.text);
        chat_destroy(c);
    }
    tokenizer_destroy(t);
}

static bool are(const struct ids *got, int n, const int32_t *want)
{
    return (int)got->n == n && !memcmp(got->id, want, (size_t)n * sizeof *want);
}

static void test_all(void)
{
    struct tokenizer *t = make_tokenizer(8);
    struct err err = {0};
    struct ids got = {0};
    static const char jinja[] = EACH("{{ m.content }}<|im_end|>");
    struct chat *own = chat_create(&(struct chat_opts){ .own = jinja, .n_own = strlen(jinja), .model_id = "m" }, &err);
    struct chat *named = chat_create(&(struct chat_opts){ .choice = "mpt-7b-chat", .model_id = "m" }, &err);
    int32_t eos[] = { 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 8 };
    struct model_config c = { .n_vocab = CONTROLS + WORDS, .eos = eos, .n_eos = 12 };
    stops_find(&c, t, own, &got);
    ok(are(&got, 13, (int32_t[]){20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 8, 2}),
       "twelve of the files, among them the tokenizer's, and the template's");
    ids_clear(&got);
    c.n_eos = 0;
    stops_find(&c, t, own, &got);
    ok(are(&got, 2, (int32_t[]){ 8, 2 }), "the tokenizer's and the template's where the files name none");
    ids_clear(&got);
    c.n_vocab = 5;
    stops_find(&c, t, own, &got);
    ok(are(&got, 1, (int32_t[]){ 2 }), "none that the model cannot say");
    ids_clear(&got);
    c.n_vocab = 50279;
    stops_find(&c, t, named, &got);
    ok(are(&got, 4, (int32_t[]){ 8, 50278, 0, 2 }), "those of FastChat's template, and the mark that it puts between turns");
    ids_free(&got);
    chat_destroy(own);
    chat_destroy(named);
    tokenizer_destroy(t);
}

int main(void)
{
    test_turn_end();
    test_all();
    return done_testing();
}
