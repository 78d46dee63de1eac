/* arch_others.c - architectures that do not run here, and in which they differ: a refusal by its class alone leaves its reader to look it
 * up. The first row that fits counts; classes are transformers', types those of config.json or of a GGUF file. */
#include "model_priv.h"

#include <fnmatch.h>
#include <stddef.h>

static const struct {
    const char *class, *type;            /* patterns of fnmatch(3) */
    const char *why;
} others[] = {
    { "GPTNeoX*", "gpt*neox", "GPT-NeoX: layer norms, biases, parts of heads rotated, attention beside the feed-forward part" },
    { "MPT*", "mpt", "MPT: no rotation but distances (ALiBi), layer norms" },
    { "*Falcon*", "falcon*", "Falcon: layer norms, attention beside the feed-forward part" },
    { "RW*ForCausalLM", "Refined*", "Falcon: layer norms, attention beside the feed-forward part" },
    { "ChatGLM*", "chatglm*", "ChatGLM: other positions, a tokenizer of its own" },
    { "Glm*", "glm*", "GLM: parts of heads rotated, norms of its own" },
    { "*T5*", "*t5", "T5: an encoder and a decoder" },
    { "Rwkv*", "rwkv*", "RWKV: a recurrent network without attention" },
    { "*Mamba*", "*mamba*", "Mamba: a recurrent network without attention" },
    { "GPTJ*", "gptj", "GPT-J: layer norms, parts of heads rotated" },
    { "GPTBigCode*", "gpt_bigcode", "GPT-BigCode: learned positions, layer norms" },
    { "GPT2*", "gpt2", "GPT-2: learned positions, layer norms" },
    { "GPTNeoFor*", "gpt_neo", "GPT-Neo: learned positions, layer norms" },
    { "Bloom*", "bloom", "BLOOM: no rotation but distances (ALiBi), layer norms" },
    { "OPT*", "opt", "OPT: learned positions, layer norms" },
    { "GptOss*", "gpt*oss", "experts, sinks of attention" },
    { "*Mixtral*", "mixtral", "experts" },
    { "*Mo[Ee]*", "*moe*", "experts" },
    { "*VL*", "*vl*", "text and images in one model" },
    { "*Llava*", "llava*", "text and images in one model" },
    { "*Deepseek*", "deepseek*", "experts, or compressed keys and values" },
    { "Dbrx*", "dbrx", "experts" },
    { "Llama4*", "llama4*", "experts, text and images in one model" },
    { "Qwen3*", "qwen3*", "norms of queries and keys" },
    { "QWen*", "qwen", "the first Qwen: joined projections, a tokenizer of its own" },
    { "Gemma*", "gemma*", "Gemma: norms and scales of its own" },
    { "*Baichuan*", "baichuan*", "Baichuan: joined projections" },
    { "Phi*", "phi*", "Phi: joined projections, or parts of heads rotated" },
    { "StableLm*", "stablelm*", "StableLM: layer norms, parts of heads rotated" },
    { "InternLM*", "internlm*", "InternLM: joined projections or biases of its own" },
    { "Starcoder2*", "starcoder*", "StarCoder: layer norms, biases" },
    { "Cohere*", "cohere*", "Cohere: layer norms, attention beside the feed-forward part" },
    { "Bert*", "*bert", "an encoder, which writes no text" },
    { "*ForConditionalGeneration", "", "an encoder and a decoder, or text and images in one model" },
};

const char *arch_difference(const char *class, const char *type)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if ((class && fnmatch(others[i].class, class, 0) == 0) || (type && *type && fnmatch(others[i].type, type, 0) == 0))
            return others[i].why;
    return NULL;
}
