/* conversation.c - FastChat's named templates: prompts against the hashes of FastChat's own, names against its rules. conversations.jsonl
 * comes from the package (make_conversations.py); the tables here cover what FastChat has had since that release. */
#include "src/text/conversation_python.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json.h"

#include "tap.h"
#include "tests/golden/conversation_hashes.h"

#include <string.h>

static struct buf fastchat;              /* its conversation.py, if data/fetch.sh has brought it */

static void check(const char *name, const struct chat_message *m, int n, int bytes, const char *sha)
{
    struct buf b = {0};
    char hex[65];
    struct conversation_filled filled = {0};
    const struct conversation *c = conversation_find(name);
    if (c && !conversation_complete(c)) {
        if (!fastchat.data || c->unreleased) {
            skip(1, "the template's text is not here; data/fetch.sh brings that of the release");
            return;
        }
        c = conversation_fill(c, "conversation.py", fastchat.data, fastchat.len, &filled, NULL) == 0 ? &filled.c : NULL;
    }
    if (c)
        conversation_render(c, m, n, true, &b);
    sha256_hex(b.data ? b.data : "", b.len, hex);
    ok(c && (int)b.len == bytes && !strncmp(hex, sha, 16), "%s, %d messages: %zu bytes, want %d", name, n, b.len, bytes);
    conversation_filled_free(&filled);
    buf_free(&b);
}

/* As get_prompt() writes after set_system_message("Rule."). */
static void check_system(void)
{
    static const struct { const char *name, *want;
    } row[] = {
        { "vicuna_v1.1", "Rule. USER: Q1 ASSISTANT: A1</s>USER: Q2 ASSISTANT:" },
        { "llama-2", "[INST] <<SYS>>\nRule.\n<</SYS>>\n\nQ1 [/INST] A1 </s><s>[INST] Q2 [/INST]" },
        { "qwen-7b-chat", "<|im_start|>system\nRule.<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n"
                          "<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n" },
        { "gemma", "<bos><start_of_turn>user\nQ1<end_of_turn>\n<start_of_turn>model\nA1<end_of_turn>\n<start_of_turn>user\nQ2"
                   "<end_of_turn>\n<start_of_turn>model\n" },
    };
    const struct chat_message m[] = { { "system", "Rule.", 5 }, { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct buf b = {0};
        conversation_render(conversation_find(row[i].name), m, 4, true, &b);
        ok(!strcmp(b.data, row[i].want), "%s with a system message: %s", row[i].name, b.data);
        buf_free(&b);
    }
}

static const struct {
    const char *model, *template;        /* NULL: FastChat falls back */
} rules[] = {
    {"vicuna-7b-v1.5", "vicuna_v1.1"},
    {"lmsys/vicuna-13b-v0", "one_shot"},
    {"./models/vicuna-7b/checkpoint-300", "vicuna_v1.1"},
    {"checkpoint-300", NULL},
    {"llama-13b", NULL},
    {"llama2-7b-chat", NULL},
    {"SmolLM2-135M-Instruct", NULL},
    {"microsoft/phi-2", NULL},
    {"Meta-Llama-3-8B-Instruct", "llama-3"},
    {"Llama-3.2-1B-Instruct", NULL},
    {"Meta-Llama-3.1-8B-Instruct", "meta-llama-3.1"},
    {"Llama-3.1-8B-Instruct", "meta-llama-3.1-sp"},
    {"Llama-3.1-Tulu-3-8B", "tulu"},
    {"tulu-2-dpo-7b", "tulu"},
    {"Qwen2.5-0.5B-Instruct", "qwen-7b-chat"},
    {"zephyr-7b-beta", "zephyr"},
    {"zephyr-mistral", "mistral"},
    {"stablelm-zephyr-3b", "stablelm"},
    {"Nous-Hermes-2-Mistral-7B-DPO", "alpaca"},
    {"h2ogpt-oasst-open-llama-13b", "oasst_llama"},
    {"WizardLM-7B-V1.0", "one_shot"},
    {"wizardlm-13b", "vicuna_v1.1"},
    {"prompt-tuned-llama", "zero_shot"},
    {"mpt-7b", "zero_shot"},
    {"stories15M", NULL},
    {"a/b/gemma-2b/", "gemma"},
    {"spicyboros-7b-2.2", "airoboros_v2"},
    {"airoboros-l2-7b-3.1", "airoboros_v3"},
};

enum { MAX_TURNS = 8 };

/* ["prompt", template, [turns], bytes, hash] */
static void check_prompt(const cJSON *line)
{
    const cJSON *name = line->child->next, *turns = name->next, *bytes = turns->next, *x;
    struct chat_message m[MAX_TURNS];
    int n = 0;
    cJSON_ArrayForEach(x, turns)
        if (n < MAX_TURNS) {
            m[n] = (struct chat_message){ n % 2 ? "assistant" : "user", x->valuestring, strlen(x->valuestring) };
            n++;
        }
    check(name->valuestring, m, n, bytes->valueint, bytes->next->valuestring);
}

/* ["stop", template, [strings], [ids]] */
static void check_stop(const cJSON *line)
{
    const char *name = line->child->next->valuestring;
    const cJSON *strings = line->child->next->next, *ids = strings->next;
    const struct conversation *c = conversation_find(name);
    bool right = c && c->n_stop == cJSON_GetArraySize(strings) && c->n_stop_ids == cJSON_GetArraySize(ids);
    for (int i = 0; right && i < c->n_stop; i++)
        right = !strcmp(c->stop[i], cJSON_GetArrayItem(strings, i)->valuestring);
    for (int i = 0; right && i < c->n_stop_ids; i++)
        right = c->stop_id[i] == cJSON_GetArrayItem(ids, i)->valueint;
    ok(right, "%s stops at %d strings and %d ids", name, cJSON_GetArraySize(strings), cJSON_GetArraySize(ids));
}

/* ["rule", model, template]; FastChat's one_shot is also what it falls back to. */
static bool rule_holds(const char *model, const char *want)
{
    char name[64] = "";
    const char *got = conversation_rule(model, NULL, name);
    bool right = !strcmp(got ? got : "one_shot", want);
    if (!right)
        printf("# %s: got %s, FastChat %s\n", model, got ? got : "(none)", want);
    return right;
}

static void check_package(void)
{
    struct buf b = { 0 };
    struct err err = { 0 };
    int rules_seen = 0, wrong = 0;
    ok(io_read("tests/golden/conversations.jsonl", &b, &err) == 0, "the golden of the package is there");
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        if (!strcmp(j->child->valuestring, "prompt")) {
            check_prompt(j);
        } else if (!strcmp(j->child->valuestring, "stop")) {
            check_stop(j);
        } else {
            rules_seen++;
            wrong += !rule_holds(j->child->next->valuestring, j->child->next->next->valuestring);
        }
        cJSON_Delete(j);
    }
    ok(rules_seen > 400 && wrong == 0, "%d names, %d with another template than FastChat's", rules_seen, wrong);
    buf_free(&b);
}

static struct chat *create(struct chat_opts o, struct err *err)
{
    *err = (struct err){ 0 };
    return chat_create(&o, err);
}

/* A template whose text is not carried says where it is to be had, whether the user or a rule chose it; with a file that has another
 * text, which one. */
static void check_absent(void)
{
    static const char other[] = "register_conv_template(Conversation(name='baize', system_message='x', roles=('[|Human|]', '[|AI|]'), "
                                "sep='\\n', messages=(('[|Human|]', 'Hello!'), ('[|AI|]', 'Hi!')), "
                                "sep_style=SeparatorStyle.NO_COLON_SINGLE, stop_str='[|Human|]'))";
    struct err err;
    int n = 0;
    for (int i = 0; i < conversation_count; i++) {
        const struct conversation *c = &conversation_table[i];
        if (conversation_complete(c))
            continue;
        n++;
        ok(chat_needs_fastchat(&(struct chat_opts){ .choice = c->name }) && !create((struct chat_opts){ .choice = c->name }, &err) &&
               err.kind == ERR_USAGE && strstr(err.text, c->name) && strstr(err.text, "--fastchat PATH") &&
               !strstr(err.text, "mtbench fetch --only fastchat/conversation.py") == c->unreleased,
           "refused: %s", err.text);
    }
    ok(n == 6, "%d templates have their text elsewhere", n);
    ok(!create((struct chat_opts){ .choice = "auto", .model_id = "baize-v2-13b", .model_path = "x" }, &err) &&
           strstr(err.text, "\"baize-v2-13b\" is baize") && strstr(err.text, "fetch --only"), "refused: %s", err.text);
    ok(!create((struct chat_opts){ .model_id = "m", .model_path = "baize", .fastchat = other, .n_fastchat = sizeof other - 1,
                                   .fastchat_place = "/f/conversation.py" }, &err) &&
           strstr(err.text, "/f/conversation.py") && strstr(err.text, "2d711642b726") && strstr(err.text, "5c5733bb4e48") &&
           strstr(err.text, ".jinja"), "refused: %s", err.text);
    static const char older[] = "register_conv_template(Conversation(name='baize', system='x'))";
    ok(!create((struct chat_opts){ .choice = "baize", .fastchat = older, .n_fastchat = sizeof older - 1, .fastchat_place = "c.py" },
               &err) &&
           strstr(err.text, "\"system\" is no keyword") && strstr(err.text, "; take FastChat 0.2.36's"), "an older release: %s", err.text);
    ok(!create((struct chat_opts){ .model_id = "llama-13b", .model_path = "/m/llama-13b" }, &err) &&
           strstr(err.text, "--chat-template one_shot") && strstr(err.text, "\"llama-13b\""),
       "FastChat's silent choice is told: %s", err.text);
    ok(!chat_needs_fastchat(&(struct chat_opts){ .choice = "vicuna_v1.1", .model_id = "baize" }) &&
           !chat_needs_fastchat(&(struct chat_opts){ .model_id = "baize", .own = "x", .n_own = 1 }) &&
           !chat_needs_fastchat(&(struct chat_opts){ .choice = "file", .model_id = "baize" }) &&
           !chat_needs_fastchat(&(struct chat_opts){ .model_id = "llama-13b", .model_path = "x" }),
       "FastChat's file is not looked for where nothing of it is needed");
}

/* Names that FastChat's rules give one of these templates. */
static void check_chosen(void)
{
    static const char *const chosen[][2] = {
        { "lmsys/vicuna-13b-v0", "one_shot" }, { "flan-t5-xl", "one_shot" }, { "pythia-12b", "one_shot" },
        { "WizardLM-7B-V1.0", "one_shot" }, { "bge-large-en", "one_shot" }, { "baize-v2-13b", "baize" },
        { "OpenOrcaxOpenChat-Preview2-13B", "open-orca" }, { "openbuddy-llama2-13b-v11.1", "openbuddy" },
        { "Llama-3.1-8B-Instruct", "meta-llama-3.1-sp" }, { "Nous-Hermes-2-Mixtral-8x7B-DPO", "Nous-Hermes-2-Mixtral-8x7B-DPO" },
    };
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++) {
        const struct chat_opts o = { .model_id = chosen[i][0], .model_path = "x", .fastchat = fastchat.data, .n_fastchat = fastchat.len,
                                     .fastchat_place = "f" };
        struct err err;
        struct chat *c = create(o, &err);
        bool here = fastchat.data && !conversation_find(chosen[i][1])->unreleased;
        ok(chat_needs_fastchat(&o) && (here ? c && !strcmp(chat_name(c), chosen[i][1]) : !c && strstr(err.text, chosen[i][1])), "%s: %s %s",
           chosen[i][0], chosen[i][1], err.text);
        chat_destroy(c);
    }
}

/* one_shot stops at "###", as FastChat cuts: at the first one, unless the answer begins with it. */
static void check_one_shot(void)
{
    const struct chat_opts o = { .choice = "one_shot", .fastchat = fastchat.data, .n_fastchat = fastchat.len, .fastchat_place = "f" };
    static const char *const text[][2] = {
        { "One.\n### Two", "One." }, { "### One\n### Two", "### One\n### Two" }, { " ### One", "" }, { "# One ## Two", "# One ## Two" },
    };
    struct err err;
    struct chat *c = fastchat.data ? create(o, &err) : NULL;
    if (!c) {
        skip(1, "the template's text is not here; data/fetch.sh brings it");
        return;
    }
    ok(!strcmp(chat_name(c), "one_shot") && !strncmp(chat_sha256(c), "1b7c704028933c21", 16), "its hash is of FastChat's own prompt");
    ok(chat_stopped(c, "One.\n###", 8) && !chat_stopped(c, "One.\n##", 7), "stopped by the third sign");
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        struct buf b = { 0 };
        chat_clean(c, text[i][0], strlen(text[i][0]), &b);
        ok(!strcmp(b.data, text[i][1]), "cut: %.4s ... to %.9s", text[i][0], b.data);
        buf_free(&b);
    }
    chat_destroy(c);
}

/* [model, template, bytes, hash]: what gen_api_answer sends as system message. */
static void check_hosted(void)
{
    static const char *const later[][2] = {
        {"gpt-4o-2024-08-06", "gpt-mini"},
        {"gpt-4-turbo-2024-04-09", "gpt-4-turbo-2024-04-09"},
        {"claude-3-opus-20240229", "claude-3-opus-20240229"},
        {"claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20240620-v2"},
        {"im-a-good-gpt2-chatbot", "gpt-4-turbo-2024-04-09"},
        {"chatgpt-4o-latest", "gpt-4-turbo-2024-04-09"},
        {"baize-v2-13b", "baize"},
    };
    char name[64], hex[65];
    struct buf b = { 0 };
    int n = 0, wrong = 0, absent = 0;
    ok(io_read("tests/golden/hosted.jsonl", &b, NULL) == 0, "the golden of hosted names is there");
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1, n++) {
        cJSON *j = json_parse(p, (size_t)(end - p), NULL), *template = j->child->next, *bytes = template->next;
        const char *system = chat_hosted_system(j->child->valuestring, name);
        sha256_hex(system ? system : "", system ? strlen(system) : 0, hex);
        bool right = !strcmp(name, template->valuestring) &&
                     (!system || ((int)strlen(system) == bytes->valueint && !strncmp(hex, bytes->next->valuestring, 16)));
        if (!right)
            printf("# %s: %s, %s\n", j->child->valuestring, name, system ? system : "(none)");
        wrong += !right;
        absent += !system;
        cJSON_Delete(j);
    }
    ok(n > 100 && wrong == 0 && absent < 9, "%d hosted names get FastChat's system messages, %d another; of %d the text is not carried", n,
       wrong, absent);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        ok(!chat_hosted_system(later[i][0], name) && !strcmp(name, later[i][1]), "%s: the long text of %s", later[i][0], name);
    ok(!strcmp(chat_hosted_system("gpt-4-turbo-browsing", name), "") && !strcmp(chat_hosted_system("o1-mini", name), ""),
       "browsing and o1 get none");
    ok(!strcmp(chat_hosted_system("gpt-4o", name), chat_hosted_system("who-knows", name)) && !strcmp(name, "one_shot"),
       "gpt-4o is no name that FastChat knows");
    buf_free(&b);
}

int main(void)
{
    const struct chat_message m[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    const struct chat_message empty[] = { { "user", "Q1", 2 }, { "assistant", "", 0 }, { "user", "Q2", 2 } };
    struct buf b = {0};
    io_read("data/fastchat/conversation.py", &fastchat, NULL);
    for (size_t i = 0; i < sizeof conversation_hashes / sizeof *conversation_hashes; i++) {
        check(conversation_hashes[i].name, m, 1, conversation_hashes[i].bytes1, conversation_hashes[i].sha1);
        check(conversation_hashes[i].name, m, 3, conversation_hashes[i].bytes2, conversation_hashes[i].sha2);
    }
    conversation_render(conversation_find("llama-2"), empty, 3, true, &b);
    ok(!strcmp(b.data, "[INST] Q1 [/INST][INST] Q2 [/INST]"), "llama-2 after an empty answer: %s", b.data);
    buf_clear(&b);
    /* message.strip() of Python takes all of its white space, and U+0000 is none. */
    const char wide[] = "\x1c\xe3\x80\x80\xc2\xa0 Q\xe3\x80\x80x\0\xe2\x80\x83\n";
    conversation_render(conversation_find("llama-3"), &(struct chat_message){ "user", wide, sizeof wide - 1 }, 1, false, &b);
    static const char want[] = "<|start_header_id|>user<|end_header_id|>\n\nQ\xe3\x80\x80x\0<|eot_id|>";
    ok(b.len > sizeof want && !memcmp(b.data + b.len - sizeof want + 1, want, sizeof want - 1), "llama-3 strips as Python does");
    buf_free(&b);
    const struct chat_message blanks[] = { { "user", "\t Q1 ", 5 }, { "assistant", " \n", 2 } };
    buf_free(&b);
    conversation_render(conversation_find("llama-3"), blanks, 2, false, &b);
    ok(b.data && strstr(b.data, "user<|end_header_id|>\n\nQ1<|eot_id|>") && strstr(b.data, "assistant<|end_header_id|>\n\n<|eot_id|>"),
       "llama-3 strips what stands around a text: %s", b.data);
    buf_free(&b);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        char name[64] = "";
        const char *got = conversation_rule(rules[i].model, NULL, name);
        ok(rules[i].template ? got && !strcmp(got, rules[i].template) : !got, "%s -> %s", rules[i].model, got ? got : "(none)");
    }
    check_system();
    check_package();
    check_absent();
    check_chosen();
    check_one_shot();
    check_hosted();
    buf_free(&fastchat);
    return done_testing();
}
