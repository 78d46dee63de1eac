/* difference.c - where two answers part: the byte and the token, on a tokenizer of single characters. */
#include "mtbench/difference.h"

#include "tap.h"
#include "tiny.h"

static struct err err;

static int32_t id(char c)
{
    return c == '\n' ? 3 : c == ' ' ? 4 : c - '!' + 5;
}

static const struct {
    const char *stored, *generated;
    size_t byte;
    int token;
    int32_t here, there;
    const char *words;
} cases[] = {
    { "one way", "one day", 4, 4, 'd', 'w', "token 4 is 72 \"d\" here and 91 \"w\" there, byte 4" },
    { "xyz", "abc", 0, 0, 'a', 'x', "token 0 is 69 \"a\" here and 92 \"x\" there, byte 0" },
    { "longer", "long", 4, 4, TOKEN_END, 'e', "token 4 is the end of the answer here and 73 \"e\" there, byte 4" },
    { "long", "longer", 4, 4, 'e', TOKEN_END, "token 4 is 73 \"e\" here and the end of the answer there, byte 4" },
    { "", "a", 0, 0, 'a', TOKEN_END, "token 0 is 69 \"a\" here and the end of the answer there, byte 0" },
    { "a", "", 0, 0, TOKEN_END, 'a', "token 0 is the end of the answer here and 69 \"a\" there, byte 0" },
    /* what cleaning takes off the front is no difference, and its tokens count */
    { "one", "  \none!", 3, 6, '!', TOKEN_END, "token 6 is 5 \"!\" here and the end of the answer there, byte 3" },
    { "a\nb", "a\nc", 2, 2, 'c', 'b', NULL },
};

static void test_cases(const struct rig *r)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int32_t token[16];
        struct buf words = {0};
        struct difference d;
        int n = (int)strlen(cases[i].generated);
        for (int k = 0; k < n; k++)
            token[k] = id(cases[i].generated[k]);
        difference_find(r->tokenizer, r->chat, cases[i].stored, token, n, &d);
        difference_put(&words, r->tokenizer, &d, "here", "there");
        int32_t here = cases[i].here < 0 ? cases[i].here : id((char)cases[i].here);
        int32_t there = cases[i].there < 0 ? cases[i].there : id((char)cases[i].there);
        ok(d.byte == cases[i].byte && d.token == cases[i].token && d.here == here && d.stored == there &&
               (!cases[i].words || !strcmp(words.data, cases[i].words)),
           "\"%s\" and \"%s\": %s", cases[i].stored, cases[i].generated, words.data);
        buf_free(&words);
    }
}

/* Bytes of one character in several tokens: half of it reads as U+FFFD, which is not yet another text. */
static void test_torn(void)
{
    static const char config[] = "{\"bos_token\": \"<s>\", \"chat_template\": \"x\"}";
    static const char json[] =
        "{\"version\": \"1.0\", \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}, "
        "\"decoder\": {\"type\": \"ByteLevel\"}, \"added_tokens\": [], \"model\": {\"type\": \"BPE\", \"merges\": [], "
        "\"vocab\": {\"<s>\": 0, \"\u00c3\": 1, "
        "\"\u00a9\": 2, \"\u00a8\": 3, \"a\": 4}}}";
    const struct tokenizer_files files = { .json = { json, sizeof json - 1 }, .config = { config, sizeof config - 1 } };
    struct tokenizer *t = tokenizer_from_json(&files, &err);
    struct chat *chat = chat_create(&(struct chat_opts){ .choice = "raw", .model_id = "", .model_path = "" }, &err);
    const int32_t token[] = { 4, 1, 3 };                     /* a, then e with a grave accent: C3 A8 */
    struct difference d = {0};
    if (ok(t && chat, "a tokenizer of bytes %s", err.text))
        difference_find(t, chat, "a\u00e9", token, 3, &d);
    ok(d.byte == 2 && d.token == 2 && d.here == 3 && d.stored == 2, "the second byte of a character: byte %zu, token %d, %d and %d", d.byte,
       d.token, d.here, d.stored);
    chat_destroy(chat);
    tokenizer_destroy(t);
}

int main(void)
{
    struct tiny t;
    if (ok(tiny_open(&t, NULL, NULL, (struct rig_opts){ .max_batch = 1 }, &err) == 0, "a tiny model opens %s", err.text)) {
        test_cases(&t.rig);
        tiny_close(&t);
    }
    test_torn();
    return done_testing();
}
