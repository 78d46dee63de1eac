/* conversation_python.c - the texts of a template out of a conversation.py of FastChat's form: an invented one, what is wrong with it, and
 * FastChat's own where it is here. */
#include "src/text/conversation_python.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"
#include "tests/golden/conversation_hashes.h"

#include <stdlib.h>
#include <string.h>

/* Of the form of FastChat's file; the texts are ours. */
static const char head[] =
    "import dataclasses\n\n\nclass SeparatorStyle(IntEnum):\n    NO_COLON_TWO = auto()\n\n\n"
    "def register_conv_template(template: Conversation, override: bool = False):\n"
    "    assert (template.name not in conv_templates), f\"{template.name} has been registered.\"\n\n\n"
    "# register_conv_template(Conversation(name=\"lamp\", in a comment\n"
    "register_conv_template(\n    Conversation(\n        name=\"other\",\n        system_message=build(\"lamp\"),\n"
    "        sep_style=SeparatorStyle.NO_COLON_TWO,\n        extra={\"name\": [1, (2)]},\n    )\n)\n\n";
static const char good[] =
    "register_conv_template(\n    Conversation(\n        name=\"lamp\",\n        system_template=\"<s>{system_message}\",\n"
    "        system_message=\"\"\"You are a lamp.\nShine.\"\"\"\n        \" Always.\",  # both\n        roles=(\"Q\", \"A\"),\n"
    "        messages=(\n            (\"Q\", \"Who?\"),\n            (\"A\", 'The \\'lamp\\'.'),\n        ),\n        offset=2,\n"
    "        sep_style=SeparatorStyle.NO_COLON_TWO,\n        sep=\"\\n\",\n        sep2=\"</s>\",\n        stop_str=[\"Q\", \"X\"],\n"
    "        stop_token_ids=[2, 7],\n    )\n)\n";
static const char system_text[] = "You are a lamp.\nShine. Always.", answer_text[] = "The 'lamp'.";

static struct conversation row;
static char system_hex[65], answer_hex[65];

static void make_row(void)
{
    sha256_hex(system_text, strlen(system_text), system_hex);
    sha256_hex(answer_text, strlen(answer_text), answer_hex);
    row = (struct conversation){
        .name = "lamp", .style = STYLE_NO_COLON_TWO, .system_template = "<s>{system_message}", .role = { "Q", "A" }, .sep = "\n",
        .sep2 = "</s>", .stop = { "Q", "X" }, .n_stop = 2, .stop_id = { 2, 7 }, .n_stop_ids = 2,
        .example = { { "Q", "Who?" }, { "A" } }, .n_examples = 2, .system_sha256 = system_hex, .example_sha256 = { NULL, answer_hex },
    };
}

/* head, then good with the first 'from' replaced by 'to'. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(good, from);
    return xasprintf("%s%.*s%s%s", head, (int)(at - good), good, to, at + strlen(from));
}

static void test_taken(void)
{
    struct conversation_filled f;
    struct err err = {0};
    struct buf b = {0};
    char *source = xasprintf("%s%s", head, good);
    ok(!conversation_complete(&row) && conversation_fill(&row, "c.py", source, strlen(source), &f, &err) == 0, "read %s", err.text);
    free(source);                        /* its texts are copies */
    ok(conversation_complete(&f.c) && !strcmp(f.c.system, system_text) && !strcmp(f.c.example[1][1], answer_text), "both texts are there");
    conversation_render(&f.c, &(struct chat_message){ "user", "Hi", 2 }, 1, true, &b);
    ok(!strcmp(b.data, "<s>You are a lamp.\nShine. Always.QWho?\nAThe 'lamp'.</s>QHi\nA"), "rendered: %s", b.data);
    conversation_filled_free(&f);
    buf_free(&b);
}

static void test_refused(void)
{
    static const struct { const char *from, *to, *why; } change[] = {
        { "Shine", "Glow", "SHA-256" },
        { "'lamp\\'", "'l\\'", "SHA-256" },
        { "Who?", "What?", "messages of lamp" },
        { "(\"Q\", \"Who?\"),", "", "messages of lamp" },
        { "(\"Q\", \"Who?\"),", "[\"R\", \"Who?\"],", "messages of lamp" },
        { "(\"Q\", \"Who?\"),", "(\"Q\", None),", "messages of lamp" },
        { "(\"Q\", \"A\")", "(\"Q\", \"B\")", "roles of lamp" },
        { "roles=(\"Q\", \"A\"),", "", "roles of lamp" },
        { "<s>{", "{", "system_template of lamp" },
        { "NO_COLON_TWO", "NO_COLON_SINGLE", "sep_style of lamp" },
        { "sep_style=SeparatorStyle.NO_COLON_TWO,", "", "sep_style of lamp" },
        { "sep=\"\\n\"", "sep=\"\\n\\n\"", "sep of lamp" },
        { "sep2=\"</s>\"", "sep2=None", "sep2 of lamp" },
        { "[\"Q\", \"X\"]", "\"Q\"", "stop_str of lamp" },
        { "[2, 7]", "[2, 8]", "stop_token_ids of lamp" },
        { "        stop_token_ids=[2, 7],\n", "", "stop_token_ids of lamp" },
        { "offset=2", "image_mode=2", "\"image_mode\" is no keyword" },
        { "offset=2", "**more", "\"*\" is no keyword" },
        { "offset=2", "sep=\"\\n\"", "sep stands there twice" },
        { "\"\"\"You", "f\"\"\"You", "an f-string" },
        { "\" Always.\"", "+ \" Always.\"", "system_message is no literal" },
        { "\" Always.\"", ".strip()", "system_message is no literal" },
        { "\"\"\"You are", "text(\"\"\"You are", "system_message is no literal" },
        { "offset=2", "offset", "no = behind offset" },
        { "name=\"lamp\"", "name=LAMP", "no template lamp" },
        { "name=\"lamp\"", "name=\"lamp2\"", "no template lamp" },
        { "Conversation(", "Conversation2(", "no template lamp" },
        { "    )\n)\n", "", "\"\" is no keyword" },
        { "'lamp\\'.'", "'lamp", "without an end" },
    };
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        struct conversation_filled f;
        struct err err = {0};
        char *source = changed(change[i].from, change[i].to);
        ok(conversation_fill(&row, "c.py", source, strlen(source), &f, &err) < 0 && strstr(err.text, change[i].why) &&
               strstr(err.text, "c.py: ") == err.text && !f.n_texts,
           "refused: %s", err.text);
        free(source);
    }
    struct conversation_filled f;
    struct err err = {0};
    char *twice = xasprintf("%s%s%s", good, head, good);
    ok(conversation_fill(&row, "c.py", twice, strlen(twice), &f, &err) < 0 && strstr(err.text, "second time"), "refused: %s", err.text);
    free(twice);
    ok(conversation_fill(&row, "c.py", "", 0, &f, &err) < 0 && strstr(err.text, "no template lamp"), "refused: %s", err.text);
    /* Both hashes are told, so that a text can be found again. */
    char *other = changed("Shine", "Glow");
    ok(conversation_fill(&row, "c.py", other, strlen(other), &f, &err) < 0 && memmem(err.text, sizeof err.text, system_hex, 12),
       "with what it should be: %s", err.text);
    free(other);
}

/* What the class itself gives to a template that says less. */
static void test_defaults(void)
{
    static const char source[] = "register_conv_template(Conversation(system_message='x', name='y'))";
    char hex[65];
    sha256_hex("x", 1, hex);
    struct conversation plain = { .name = "y", .style = STYLE_ADD_COLON_SINGLE, .role = { "USER", "ASSISTANT" }, .sep = "\n",
                                  .system_sha256 = hex };
    struct conversation_filled f;
    struct err err = {0};
    ok(conversation_fill(&plain, "c.py", source, sizeof source - 1, &f, &err) == 0 && !strcmp(f.c.system, "x"), "defaults %s", err.text);
    conversation_filled_free(&f);
    plain.sep = "";
    ok(conversation_fill(&plain, "c.py", source, sizeof source - 1, &f, &err) < 0 && strstr(err.text, "sep of y"), "but not others: %s",
       err.text);
}

/* The file of FastChat 0.2.36 that `make data` brings: prompts of both turns have the hashes of FastChat's own. */
static void test_own(void)
{
    struct buf source = {0};
    int n = 0;
    if (io_read("data/fastchat/conversation.py", &source, NULL) < 0) {
        skip(1, "data/fastchat/conversation.py is not here; data/fetch.sh brings it");
        return;
    }
    for (size_t i = 0; i < sizeof conversation_hashes / sizeof *conversation_hashes; i++) {
        static const struct chat_message m[] = { { "user", "Q1", 2 }, { "assistant", "A1", 2 }, { "user", "Q2", 2 } };
        const struct conversation *c = conversation_find(conversation_hashes[i].name);
        struct conversation_filled f;
        struct err err = {0};
        struct buf b = {0};
        char hex1[65], hex2[65];
        if (conversation_complete(c) || c->unreleased)
            continue;
        if (!ok(conversation_fill(c, "own", source.data, source.len, &f, &err) == 0, "%s is taken %s", c->name, err.text))
            continue;
        conversation_render(&f.c, m, 1, true, &b);
        sha256_hex(b.data, b.len, hex1);
        bool lengths = (int)b.len == conversation_hashes[i].bytes1;
        buf_clear(&b);
        conversation_render(&f.c, m, 3, true, &b);
        sha256_hex(b.data, b.len, hex2);
        ok(lengths && (int)b.len == conversation_hashes[i].bytes2 && !strncmp(hex1, conversation_hashes[i].sha1, 16) &&
               !strncmp(hex2, conversation_hashes[i].sha2, 16),
           "%s: the prompts of both turns are FastChat's", c->name);
        n++;
        conversation_filled_free(&f);
        buf_free(&b);
    }
    ok(n == 5, "%d templates of FastChat's file", n);
    buf_free(&source);
}

int main(void)
{
    make_row();
    test_taken();
    test_refused();
    test_defaults();
    test_own();
    return done_testing();
}
