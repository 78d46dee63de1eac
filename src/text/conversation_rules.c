/* conversation_rules.c - from a model's name to a FastChat template: the registration order of its adapters as a table.
 * The last path part is tried first, then the whole name. In a test x means "the lower-cased name contains x", ~x "contains x as given",
 * =x "is x", ==x "is x, lower-cased", re~X a regular expression; a choice looks at the whole name, last~x at its last part as given.
 * Hosted models are known by their exact names. */
#include "conversation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* FastChat's lists of names (model_adapter.py). */
#define OPENAI_NAMES \
    "=gpt-3.5-turbo | =gpt-3.5-turbo-0301 | =gpt-3.5-turbo-0613 | =gpt-3.5-turbo-1106 | =gpt-3.5-turbo-0125 | =gpt-4 | =gpt-4-0314 | " \
    "=gpt-4-0613 | =gpt-4-turbo | =gpt-4-1106-preview | =gpt-4-0125-preview | =gpt-4-turbo-browsing | =gpt-4-turbo-2024-04-09 | " \
    "=gpt2-chatbot | =im-also-a-good-gpt2-chatbot | =im-a-good-gpt2-chatbot | =gpt-4o-mini-2024-07-18 | =gpt-4o-2024-05-13 | " \
    "=gpt-4o-2024-08-06 | =chatgpt-4o-latest-20240903 | =chatgpt-4o-latest | =o1-preview | =o1-mini"
#define ANTHROPIC_NAMES \
    "=claude-1 | =claude-2 | =claude-2.0 | =claude-2.1 | =claude-3-haiku-20240307 | =claude-3-haiku-20240307-vertex | " \
    "=claude-3-sonnet-20240229 | =claude-3-sonnet-20240229-vertex | =claude-3-5-sonnet-20240620 | =claude-3-opus-20240229 | " \
    "=claude-instant-1 | =claude-instant-1.2"

/* An adapter's template is that of its base. */
static const char BASE[] = "the base's";

static const struct {
    const char *test, *choice;
} rules[] = {
    { "peft", BASE },
    { "stable-vicuna", "stable-vicuna" },
    { "vicuna", "last~v0 ? one_shot : vicuna_v1.1" },
    { "airoboros | spicyboros", "~-3. | ~-3p ? airoboros_v3 : ~spicyboros | re~-(2\\.[2-9]+) ? airoboros_v2 : airoboros_v1" },
    { "longchat", "vicuna_v1.1" },
    { "flan- | fastchat-t5 | codet5p", "one_shot" },
    { "koala", "koala_v1" },
    { "alpaca", "alpaca" },
    { "chatglm", "chatglm2 ? chatglm2 : chatglm3 ? chatglm3 : chatglm" },
    { "codegeex", "codegeex" },
    { "dolly-v2", "dolly_v2" },
    { "oasst & pythia", "oasst_pythia" },
    { "openassistant-sft-7-llama-30b-hf | oasst ! pythia", "oasst_llama" },
    { "openchat & 3.5 | starling-lm", "openchat_3.5" },
    { "tenyxchat", "tenyxchat" },
    { "stablelm", "stablelm" },
    { "baize", "baize" },
    { "rwkv-4", "rwkv" },
    { "openbuddy", "openbuddy" },
    { "phoenix", "phoenix" },
    { "=bard", "bard" },
    { "=palm-2", "bard" },
    { "gemini | bard", "~gemini-1.5-pro ? gemini-1.5-pro : gemini" },
    { "gemma", "gemma" },
    { OPENAI_NAMES, "~browsing ? api_based_default : ~gpt-4-turbo-2024-04-09 | ~gpt2-chatbot | ~gpt-4o-2024-05-13 ? "
      "gpt-4-turbo-2024-04-09 : ~gpt-4o-2024-08-06 ? gpt-mini : ~anonymous-chatbot | ~chatgpt-4o-latest ? gpt-4-turbo-2024-04-09 : "
      "~gpt-mini | ~gpt-4o-mini-2024-07-18 ? gpt-mini : ~o1 ? api_based_default : chatgpt" },
    { "=azure-gpt-35-turbo | =azure-gpt-4", "chatgpt" },
    { ANTHROPIC_NAMES, "~claude-3-haiku ? claude-3-haiku-20240307 : ~claude-3-sonnet ? claude-3-sonnet-20240229 : "
      "~claude-3-5-sonnet ? claude-3-5-sonnet-20240620-v2 : ~claude-3-opus ? claude-3-opus-20240229 : claude" },
    { "mpt ! airoboros", "mpt-7b-chat ? mpt-7b-chat : mpt-30b-chat ? mpt-30b-chat : mpt-30b-instruct ? mpt-30b-instruct : zero_shot" },
    { "billa", "billa" },
    { "redpajama-incite", "redpajama-incite" },
    { "h2ogpt", "h2ogpt" },
    { "robin", "Robin" },
    { "gpt4all & snoozy", "snoozy" },
    { "wizardlm", "13b | 30b | 70b ? vicuna_v1.1 : one_shot" },
    { "manticore", "manticore" },
    { "guanaco", "zero_shot" },
    { "camel", "vicuna_v1.1" },
    { "polyglot & chang", "polyglot_changgpt" },
    { "tulu", "tulu" },
    { "falcon & chat", "falcon-chat" },
    { "falcon ! chat", "falcon" },
    { "tigerbot", "tigerbot" },
    { "baichuan", "chat & baichuan2 ? baichuan2-chat : chat ? baichuan-chat : zero_shot" },
    { "xgen", "xgen" },
    { "pythia", "one_shot" },
    { "internlm", "internlm-chat" },
    { "starchat", "starchat" },
    { "llama-2", "llama-2" },
    { "cutegpt", "cutegpt" },
    { "openorca", "mistral-7b-openorca ? mistral-7b-openorca : open-orca" },
    { "dolphin & mistral", "dolphin-2.2.1-mistral-7b" },
    { "openhermes-2.5-mistral-7b | openhermes-2-mistral-7b", "OpenHermes-2.5-Mistral-7B" },
    { "nous-hermes-2-mixtral-8x7b-dpo | nous-hermes-2-mixtral-8x7b-sft", "Nous-Hermes-2-Mixtral-8x7B-DPO" },
    { "nous-hermes", "alpaca" },
    { "mistral | mixtral", "mistral" },
    { "wizardcoder", "alpaca" },
    { "qwen", "qwen-7b-chat" },
    { "aquila", "aquilachat2 & 16k ? aquila : aquilachat2 & 34b ? aquila-legacy : aquilachat2 ? aquila-v1 : aquila-chat" },
    { "bge", "one_shot" },
    { "e5-", "one_shot" },
    { "llama2-chinese", "llama2-chinese" },
    { "chinese-alpaca", "chinese-alpaca2" },
    { "vigogne | vigostral", "chat & vigostral ? vigogne_chat_v3 : chat ? vigogne_chat_v2 : vigogne_instruct" },
    { "open-llama & open-instruct", "alpaca" },
    { "~ReaLM", "ReaLM-7b-v1" },
    { "phind-codellama-", "phind" },
    { "codellama", "llama-2" },
    { "llama2-ko-chang", "polyglot_changgpt" },
    { "zephyr", "zephyr" },
    { "notus", "zephyr" },
    { "catppt", "catppt" },
    { "tinyllama", "TinyLlama" },
    { "xwin-lm", "vicuna_v1.1" },
    { "lemur-70b-chat", "lemur-70b-chat" },
    { "pygmalion | mythalion | metharme", "metharme" },
    { "orca-2", "orca-2" },
    { "xdan & v1", "xdan-v1" },
    { "yi- & chat", "Yi-34b-chat" },
    { "=pplx-7b-online | =pplx-70b-online", "pplxai" },
    { "deepseek-coder", "deepseek-coder" },
    { "deepseek-llm & chat", "deepseek-chat" },
    { "yuan2", "yuan2" },
    { "metamath", "metamath" },
    { "bagel", "airoboros_v3" },
    { "solar- & instruct", "solar" },
    { "steerlm-chat", "steerlm" },
    { "llava", "34b ? llava-chatml : vicuna_v1.1" },
    { "yuan", "yuan" },
    { "olmo", "api_based_default" },
    { "=command-r", "api_based_default" },
    { "=dbrx-instruct", "api_based_default" },
    { "yandexgpt", "yandexgpt" },
    { "consistency-llm", "cllm" },
    { "reka", "api_based_default" },
    { "smaug", "qwen-7b-chat" },
    { "llama-3-", "llama-3" },
    { "llama-3.1", "==llama-3.1-8b-instruct | ==llama-3.1-70b-instruct | ==the-real-chatbot-v2 ? meta-llama-3.1-sp : meta-llama-3.1" },
    { "grok", "mini ? grok-2-mini : grok-2" },
    { "==athene-70b | ==p2l", "api_based_default" },
};

struct names {
    const char *given;                   /* what a term looks at */
    const char *last;                    /* last path part of the whole name */
};

/* Python's "in", as str.lower() has it for ASCII: FastChat's words are ASCII, so other letters of a name cannot matter. */
static bool contains(const char *s, const char *what, size_t n, bool lower)
{
    for (; *s; s++) {
        size_t i = 0;
        /* 'what' is written in lower case in the rules where 'lower' is meant. */
        while (i < n && s[i] && (lower ? tolower((unsigned char)s[i]) : s[i]) == what[i])
            i++;
        if (i == n)
            return true;
    }
    return n == 0;
}

static bool equals(const char *s, const char *what, size_t n, bool lower)
{
    return strlen(s) == n && contains(s, what, n, lower); /* of the same length: equal */
}

/* The one regular expression of the rules: "-2." and digits 2 to 9. */
static bool version_two(const char *s)
{
    /* No general engine for one expression; p[3] is the NUL at the end of the name at worst. */
    for (const char *p = s; (p = strstr(p, "-2.")); p++)
        if (p[3] >= '2' && p[3] <= '9')
            return true;
    return false;
}

/* One term of a test, by its prefix. */
static bool term(const struct names *n, const char *t, size_t len)
{
    static const char re[] = "re~", last[] = "last~";
    /* Longest prefixes first: "re~" and "last~" end in the tilde that a plain "~x" begins with. */
    if (len > strlen(last) && !memcmp(t, last, strlen(last)))
        return contains(n->last, t + strlen(last), len - strlen(last), false);
    if (len > strlen(re) && !memcmp(t, re, strlen(re)))
        return version_two(n->given);
    if (t[0] == '~')
        return contains(n->given, t + 1, len - 1, false);
    if (t[0] == '=' && t[1] == '=')
        return equals(n->given, t + 2, len - 2, true);
    if (t[0] == '=')
        return equals(n->given, t + 1, len - 1, false);
    return contains(n->given, t, len, true); /* the common case: match() of most adapters */
}

/* Terms joined by '&' (and), '!' (and not), which bind tighter than '|'; [t, end). */
static bool test(const struct names *n, const char *t, const char *end)
{
    /* One pass: 'all' is the conjunction so far, 'any' whether one before it held. */
    bool all = true, any = false;
    char op = '&';
    while (t < end) {
        while (t < end && *t == ' ')
            t++;
        const char *stop = t;
        while (stop < end && *stop != ' ')
            stop++;
        if (stop == t)
            break;
        bool holds = term(n, t, (size_t)(stop - t)); /* names hold no blanks in these rules */
        all = all && (op == '!' ? !holds : holds);
        for (t = stop; t < end && *t == ' '; t++)
            ;
        /* The end closes the last conjunction as a bar would. */
        op = t < end ? *t++ : '|';
        if (op == '|') {
            any = any || all;
            all = true;
            op = '&';
        }
    }
    return any;
}

/* "A ? x : B ? y : z". */
static void choose(const struct names *n, const char *c, char name[64])
{
    for (;;) {
        /* Blanks around are part of the mark: names and terms hold "?" and ":" in other places. */
        const char *ask = strstr(c, " ? ");
        if (!ask) {
            snprintf(name, 64, "%s", c); /* the last answer has no question */
            return;
        }
        const char *answer = ask + 3, *next = strstr(answer, " : ");
        if (test(n, c, ask)) {
            snprintf(name, 64, "%.*s", (int)(next - answer), answer);
            return;
        }
        c = next + 3;
    }
}

/* 'a/b/' -> 'b': trailing slashes do not count. */
static void last_part(const char *model, char last[256])
{
    size_t n = strlen(model), start;
    /* FastChat takes basename(normpath(path)). */
    while (n > 1 && model[n - 1] == '/')
        n--;
    for (start = n; start > 0 && model[start - 1] != '/'; start--)
        ;
    snprintf(last, 256, "%.*s", (int)(n - start), model + start); /* longer names than any rule's are cut */
}

const char *conversation_rule(const char *model, const char *base, char name[64])
{
    char last[256];
    last_part(model, last);
    /* get_model_adapter(): all adapters by the last part, and only if none matches all of them by the whole path. An adapter that was
     * found then chooses by the whole. */
    for (int pass = 0; pass < 2; pass++) {
        const char *candidate = pass ? model : last;
        /* The first rule wins, so the order is FastChat's order of registration and not to be sorted. */
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
            /* match() sees what the pass tries; get_default_conv_template() is called with the whole path. */
            const struct names tested = { candidate, last }, whole = { model, last };
            if (!base && rules[i].choice == BASE) /* FastChat would ask for the files of an adapter and find none */
                continue;
            if (test(&tested, rules[i].test, rules[i].test + strlen(rules[i].test))) {
                if (rules[i].choice == BASE)
                    return conversation_rule(base, NULL, name);
                choose(&whole, rules[i].choice, name);
                return name;
            }
        }
    }
    return NULL;
}
