/* prompt.c - messages to text and ids: special tokens, one BOS, and system messages that a template has no place for. */
#include "mtbench/prompt.h"

#include "mtbench/io.h"

#include "tap.h"

#include <string.h>

static struct tokenizer *tokenizer;
static struct err err;

static struct chat *own(const char *src)
{
    return chat_create(&(struct chat_opts){ .own = src, .n_own = strlen(src) }, &err);
}

/* Render and check the text, and whether the system text was merged. */
static void merged(const char *what, const char *src, const struct chat_message *m, int n, const char *want, bool want_merged)
{
    struct prompt p = {0};
    bool moved = !want_merged;
    struct chat *c = own(src);
    int rc = prompt_build_merged(&p, tokenizer, c, m, n, &moved, &err);
    const char *got = rc < 0 ? err.text : p.text.data;
    ok(want ? rc == 0 && !strcmp(got, want) && moved == want_merged : rc < 0, "%s", what);
    ok(rc < 0 || p.ids.n > 0, "with ids");
    prompt_free(&p);
    chat_destroy(c);
}

static void test_merging(void)
{
    const struct chat_message m[] = { { "system", "Rule.", 5 }, { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
    static const char all[] = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
    static const char drops[] = "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endfor %}";
    static const char refuses[] = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<{{ "
                                  "m.role }}>{{ m.content }}{% endfor %}";
    static const char alternates[] = "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ "
                                     "raise_exception('alternate') }}{% endif %}[{{ m.content }}]{% endfor %}";
    merged("kept", all, m, 2, "<system>Rule.<user>Q1", false);
    merged("dropped", drops, m, 2, "<user>Rule.\n\nQ1", true);
    merged("dropped, with turns behind", drops, m, 4, "<user>Rule.\n\nQ1<assistant>A1<user>Q2", true);
    merged("refused", refuses, m, 2, "<user>Rule.\n\nQ1", true);
    merged("refused, as roles must alternate", alternates, m, 4, "[Rule.\n\nQ1][A1][Q2]", true);
    merged("no system message", refuses, m + 1, 3, "<user>Q1<assistant>A1<user>Q2", false);
    merged("a system message alone", refuses, m, 1, NULL, false);
    merged("a template that refuses all", "{{ raise_exception('nothing') }}", m, 2, NULL, false);
}

/* FastChat's templates: one with a place for the system message, one without. */
static void test_named(void)
{
    const struct chat_message m[] = { { "system", "Rule.", 5 }, { "user", "Q1", 2 } };
    static const struct { const char *name, *want; bool merged;
    } row[] = {
        { "vicuna_v1.1", "Rule. USER: Q1 ASSISTANT:", false },
        { "gemma", "<bos><start_of_turn>user\nRule.\n\nQ1<end_of_turn>\n<start_of_turn>model\n", true },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct prompt p = {0};
        bool moved = !row[i].merged;
        struct chat *c = chat_create(&(struct chat_opts){ .choice = row[i].name }, &err);
        int rc = prompt_build_merged(&p, tokenizer, c, m, 2, &moved, &err);
        ok(rc == 0 && moved == row[i].merged && !strcmp(p.text.data, row[i].want), "%s: %s", row[i].name, rc ? err.text : p.text.data);
        prompt_free(&p);
        chat_destroy(c);
    }
}

static void test_ids(void)
{
    struct prompt p = {0};
    struct chat *c = own("{{ messages[0].content }}<|endoftext|>");
    const struct chat_message m = { "user", "<|endoftext|> hi", 16 };
    ok(prompt_build(&p, tokenizer, c, &m, 1, &err) == 0 && p.ids.n >= 3 && p.ids.id[0] == 0 && p.ids.id[p.ids.n - 1] == 0,
       "the text of a special token is the token, wherever it stands");
    prompt_free(&p);
    chat_destroy(c);
}

int main(void)
{
    struct buf json = {0};
    ok(io_read("tests/golden/tokenizers/gpt2.json", &json, &err) == 0, "a tokenizer is there");
    tokenizer = tokenizer_from_json(&(struct tokenizer_files){ .json = { json.data, json.len } }, &err);
    ok(tokenizer, "and opens");
    test_merging();
    test_named();
    test_ids();
    tokenizer_destroy(tokenizer);
    buf_free(&json);
    return done_testing();
}
