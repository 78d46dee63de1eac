/* conversation.c - FastChat's named templates: prompts against the hashes of FastChat's own, names against its rules. */
#include "src/text/conversation.h"

#include "mtbench/hash.h"

#include "tap.h"
#include "tests/golden/conversation_hashes.h"

#include <string.h>

static void check(const char *name, const struct chat_message *m, int n, int bytes, const char *sha)
{
    struct buf b = {0};
    char hex[65];
    const struct conversation *c = conversation_find(name);
    if (c)
        conversation_render(c, m, n, true, &b);
    sha256_hex(b.data ? b.data : "", b.len, hex);
    ok(c && (int)b.len == bytes && !strncmp(hex, sha, 16), "%s, %d messages: %zu bytes, want %d", name, n, b.len, bytes);
    buf_free(&b);
}

static const struct {
    const char *model, *template;        /* NULL: FastChat falls back */
} rules[] = {
    { "vicuna-7b-v1.5", "vicuna_v1.1" }, { "lmsys/vicuna-13b-v0", "one_shot" }, { "./models/vicuna-7b/checkpoint-300", "vicuna_v1.1" },
    { "checkpoint-300", NULL }, { "llama-13b", NULL }, { "llama2-7b-chat", NULL }, { "SmolLM2-135M-Instruct", NULL }, { "microsoft/phi-2", NULL },
    { "Meta-Llama-3-8B-Instruct", "llama-3" }, { "Llama-3.2-1B-Instruct", NULL }, { "Meta-Llama-3.1-8B-Instruct", "meta-llama-3.1" },
    { "Llama-3.1-8B-Instruct", "meta-llama-3.1-sp" }, { "Llama-3.1-Tulu-3-8B", "tulu" }, { "tulu-2-dpo-7b", "tulu" },
    { "Qwen2.5-0.5B-Instruct", "qwen-7b-chat" }, { "zephyr-7b-beta", "zephyr" }, { "zephyr-mistral", "mistral" }, { "stablelm-zephyr-3b", "stablelm" },
    { "Nous-Hermes-2-Mistral-7B-DPO", "alpaca" }, { "h2ogpt-oasst-open-llama-13b", "oasst_llama" }, { "WizardLM-7B-V1.0", "one_shot" },
    { "wizardlm-13b", "vicuna_v1.1" }, { "prompt-tuned-llama", "zero_shot" }, { "mpt-7b", "zero_shot" }, { "stories15M", NULL },
    { "a/b/gemma-2b/", "gemma" }, { "spicyboros-7b-2.2", "airoboros_v2" }, { "airoboros-l2-7b-3.1", "airoboros_v3" },
};

int main(void)
{
    const struct chat_message m[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    const struct chat_message empty[] = { { "user", "Q1", 2 }, { "assistant", "", 0 }, { "user", "Q2", 2 } };
    struct buf b = {0};
    for (size_t i = 0; i < sizeof conversation_hashes / sizeof *conversation_hashes; i++) {
        check(conversation_hashes[i].name, m, 1, conversation_hashes[i].bytes1, conversation_hashes[i].sha1);
        check(conversation_hashes[i].name, m, 3, conversation_hashes[i].bytes2, conversation_hashes[i].sha2);
    }
    conversation_render(conversation_find("llama-2"), empty, 3, true, &b);
    ok(!strcmp(b.data, "[INST] Q1 [/INST][INST] Q2 [/INST]"), "llama-2 after an empty answer: %s", b.data);
    buf_free(&b);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char name[64] = "";
        const char *got = conversation_rule(rules[i].model, name);
        ok(rules[i].template ? got && !strcmp(got, rules[i].template) : !got, "%s -> %s", rules[i].model, got ? got : "(none)");
    }
    return done_testing();
}
