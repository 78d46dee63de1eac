/* chat.c - which template a model gets: its own first, then FastChat's by name, never a silent default; and where its answers stop. */
#include "mtbench/chat.h"

#include "mtbench/hash.h"

#include "tap.h"
#include "tests/golden/conversation_hashes.h"

#include <stdlib.h>
#include <string.h>

static struct err err;
static const struct chat_message turns[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };

static struct chat *create(struct chat_opts o)
{
    err = (struct err){0};
    return chat_create(&o, &err);
}

static void test_own(void)
{
    static const char own[] =
        "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}{{ pad_token is defined }}";
    struct chat *c = create((struct chat_opts){ .own = own, .n_own = strlen(own), .model_id = "vicuna-7b", .bos = "<s>", .eos = "</s>" });
    struct buf b = {0};
    char hex[65];
    const int32_t *id;
    ok(c && !strcmp(chat_name(c), "own") && chat_is_own_template(c), "the model's own template goes before FastChat's");
    ok(chat_render(c, turns, 3, true, &b, &err) == 0 && !strcmp(b.data, "<s><user>Q1</s><assistant>A1</s><user>Q2</s>False"),
       "rendered: %s", b.data);
    sha256_hex(own, strlen(own), hex);
    ok(!strcmp(chat_sha256(c), hex) && chat_stop_ids(c, &id) == 0 && !chat_has_stop_strings(c),
       "its hash is of its text; it has no stop strings");
    buf_clear(&b);
    const char zero[] = { 'a', 0, 'b' };
    ok(chat_render(c, &(struct chat_message){"user", zero, 3}, 1, true, &b, &err) == 0 && b.len == 21 && !memcmp(b.data + 9, zero, 3),
       "a content's length is given");
    chat_destroy(c);
    buf_free(&b);
}

/* An earlier answer with NUL (nul.h) is what a template's own "\x00" is, one character of it. */
static void test_nul(void)
{
    static const char own[] = "{{ messages[0].content | length }} {{ messages[0].content == 'a\\x00b' }} {{ messages[0].content }}";
    struct chat *c = create((struct chat_opts){ .own = own, .n_own = strlen(own) });
    struct buf b = {0};
    ok(c &&
           chat_render(c,
                       &(struct chat_message){"user",
                                              "a\xc0\x80"
                                              "b",
                                              4},
                       1, true, &b, &err) == 0 &&
           !strcmp(b.data, "3 True a\xc0\x80"
                           "b"),
       "NUL in a template is one character");
    chat_destroy(c);
    buf_free(&b);
}

/* FastChat's rules for adapters, checked with its 0.2.36: one of a name that another rule has goes by that, "peft" asks for the base's. */
static void test_adapters(void)
{
    static const struct {
        const char *id, *path, *base, *want;     /* want NULL: none is known */
    } table[] = {
        { "guanaco-33b", "x", "huggyllama/llama-33b", "zero_shot" },
        { "my-tune", "/models/my-tune", "lmsys/vicuna-7b-v1.5", "vicuna_v1.1" },
        { "vicuna-peft", "x", "meta-llama/Llama-2-7b", "llama-2" },
        { "vicuna-peft", "x", NULL, "vicuna_v1.1" },
        { "peft/vicuna-7b", "x", "meta-llama/Llama-2-7b", "vicuna_v1.1" },       /* the last part of the name goes first */
        { "peft/my-tune", "x", "meta-llama/Llama-2-7b", "llama-2" },
        { "my-tune", "x", "huggyllama/llama-7b", NULL },
        { "my-tune", "x", NULL, NULL },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct chat *c = create((struct chat_opts){ .model_id = table[i].id, .model_path = table[i].path, .base_name = table[i].base });
        ok(!c == !table[i].want && (!c || !strcmp(chat_name(c), table[i].want)), "%s on %s: %s", table[i].id,
           table[i].base ? table[i].base : "nothing", c ? chat_name(c) : err.text);
        chat_destroy(c);
    }
}

static void test_named(void)
{
    struct chat *c = create((struct chat_opts){ .choice = "llama-3", .own = "{{ x }}", .n_own = 7 });
    const int32_t *id;
    struct buf b = {0};
    ok(c && !strcmp(chat_name(c), "llama-3") && !chat_is_own_template(c), "a name that was chosen goes before the model's own");
    ok(chat_stop_ids(c, &id) == 2 && id[0] == 128001 && id[1] == 128009 && chat_has_stop_strings(c), "its stop ids");
    ok(!chat_stopped(c, "x<|eot_i", 8) && chat_stopped(c, "x<|eot_id|>", 11), "its stop string, in pieces");
    chat_clean(c, " x<|eot_id|>y", 13, &b);
    ok(!strcmp(b.data, "x"), "and what it leaves: %s", b.data);
    chat_destroy(c);
    buf_free(&b);
    c = create((struct chat_opts){ .model_id = "my-model", .model_path = "/models/vicuna-7b-v1.5" });
    ok(c && !strcmp(chat_name(c), "vicuna_v1.1"), "by the path, where the id says nothing");
    for (size_t i = 0; c && i < sizeof conversation_hashes / sizeof *conversation_hashes; i++)
        if (!strcmp(conversation_hashes[i].name, "vicuna_v1.1"))
            ok(!strncmp(chat_sha256(c), conversation_hashes[i].sha2, 16), "its hash is that of two turns, as journals hold it");
    chat_destroy(c);
    c = create((struct chat_opts){ .choice = "auto", .model_id = "zephyr-7b-beta", .model_path = "/models/vicuna-7b-v1.5" });
    ok(c && !strcmp(chat_name(c), "zephyr"), "the id goes before the path");
    chat_destroy(c);
}

/* A template without a place for the system message: by contents that stay, are changed, or are cut. */
static void test_system(void)
{
    static const char *const src[] = {
        "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}",
        "{% for m in messages %}{{ m.content }}{% endfor %}",
        "{{ messages[0].content|tojson }}",
        "{{ messages[0].content|trim }}",
        "{{ raise_exception('no system') }}",
    };
    static const bool drops[] = { true, false, false, false, false };
    const struct chat_message m[] = { { "system", " Say \"A\".\n", 11 }, { "user", "Q", 1 } };
    for (int i = 0; i < 5; i++) {
        struct chat *c = create((struct chat_opts){ .own = src[i], .n_own = strlen(src[i]) });
        ok(chat_drops_system(c, m, 2) == drops[i], "%s the system text: %s", drops[i] ? "drops" : "does not drop", src[i]);
        ok(!chat_drops_system(c, m + 1, 1), "without a system message nothing is dropped");
        chat_destroy(c);
    }
}

/* The instant is the caller's, never this machine's clock; special tokens have Hugging Face's names. */
static void test_variables(void)
{
    static const char own[] = "{{ strftime_now('%d %b %Y') }} {{ cls_token }}{{ sep_token }}{{ mask_token }} {{ additional_special_tokens "
                              "}} {{ pad_token is defined }}";
    static const char *const more[] = { "<a>", "<b>" };
    struct buf b = {0};
    struct chat *c = create((struct chat_opts){
        .own = own, .n_own = strlen(own), .cls = "[C]", .sep = "[S]", .mask = "[M]", .additional = more, .n_additional = 2});
    ok(chat_uses_time(c), "the template asks for the time");
    chat_set_now(c, 86400.0 * 365);
    ok(chat_render(c, turns, 1, true, &b, &err) == 0 && !strcmp(b.data, "01 Jan 1971 [C][S][M] ['<a>', '<b>'] False"), "rendered: %s",
       b.data);
    chat_destroy(c);
    buf_free(&b);
    setenv("TZ", "XYZ-3", 1);
    ok(chat_wall_clock(3600.75) == 4 * 3600, "the wall shows local time, in whole seconds");
    setenv("TZ", "UTC", 1);
}

static void test_opening(void)
{
    static const char own[] = "{% for m in messages %}[{{ m.content }}]{% endfor %}{% if add_generation_prompt %}<bot><think>\n{% endif %}";
    struct buf b = {0};
    struct chat *c = create((struct chat_opts){ .own = own, .n_own = strlen(own) });
    ok(chat_opening(c, &b, &err) == 0 && b.len && !strcmp(b.data, "<bot><think>\n") && !chat_uses_time(c), "what opens an answer: %s",
       b.data);
    chat_destroy(c);
    buf_free(&b);
}

static void refused(struct chat_opts o, enum err_kind kind, const char *words)
{
    ok(!create(o) && err.kind == kind && strstr(err.text, words), "refused: %.100s", err.text);
}

static void test_refusals(void)
{
    refused((struct chat_opts){.model_id = "SmolLM2-135M", .model_path = "/models/x"}, ERR_USAGE,
            "FastChat has none for \"SmolLM2-135M\" (it falls back to one_shot); choose --chat-template one_shot");
    refused((struct chat_opts){.model_id = "m", .model_path = "/m/llava-v1.6-34b"}, ERR_USAGE,
            "FastChat's for \"/m/llava-v1.6-34b\" is llava-chatml");
    refused((struct chat_opts){.choice = "nothing"}, ERR_USAGE,
            "--chat-template nothing: no such template; give a Jinja file or one of raw, ");
    refused((struct chat_opts){ .choice = "one_shot" }, ERR_USAGE, "one_shot");
    refused((struct chat_opts){ .own = "{% if", .n_own = 5 }, ERR_MODEL, "chat template line 1");
    refused((struct chat_opts){ .choice = "file", .file = "a\n\n{{", .n_file = 5 }, ERR_MODEL, "chat template line 3");
}

static void test_file(void)
{
    static const char *const special[] = { "<s>", "</s>" };
    struct chat *c = create((struct chat_opts){
        .choice = "file", .file = "{{ messages[0].content }}", .n_file = 25, .own = "x", .n_own = 1, .special = special, .n_special = 2});
    struct buf b = {0};
    ok(c && !strcmp(chat_name(c), "file") && chat_render(c, turns, 1, true, &b, &err) == 0 && !strcmp(b.data, "Q1"),
       "a file goes before all");
    buf_clear(&b);
    chat_clean(c, " a<s>b</s> ", 11, &b);
    ok(!strcmp(b.data, "ab"), "special texts are deleted from answers");
    buf_clear(&b);
    buf_str(&b, "kept");
    chat_destroy(c);
    c = create((struct chat_opts){ .own = "some text {{ raise_exception('not you') }}", .n_own = 42 });
    ok(chat_render(c, turns, 1, true, &b, &err) == -1 && strstr(err.text, "not you") && !strncmp(b.data, "kept", 4) && b.len == 4,
       "a refusal: %s", err.text);
    chat_destroy(c);
    buf_free(&b);
}

int main(void)
{
    test_own();
    test_nul();
    test_named();
    test_adapters();
    test_system();
    test_variables();
    test_opening();
    test_refusals();
    test_file();
    return done_testing();
}
