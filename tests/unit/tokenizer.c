/* tokenizer.c - ids and decoded texts of hard strings against Hugging Face's tokenizers (tests/golden/make_tokenizers.py made the goldens),
 * and what a hostile tokenizer.json is answered with. */
#include "mtbench/tokenizer.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 50 };

static char **strings;
static int n_strings;

static void read_strings(void)
{
    struct buf b = { 0 };
    struct err err;
    if (io_read("tests/golden/tokenizers/strings.jsonl", &b, &err) < 0)
        return;
    for (char *p = b.data, *end; (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = cJSON_ParseWithLength(p, (size_t)(end - p));
        strings = xrealloc(strings, (size_t)n_strings + 1, sizeof *strings);
        strings[n_strings++] = xstrdup(cJSON_IsString(j) ? j->valuestring : "");
        cJSON_Delete(j);
    }
    buf_free(&b);
}

/* "ids newline decoded newline", as the script hashes it. */
static void describe(const struct tokenizer *t, const char *s, struct buf *out)
{
    struct ids ids = { 0 };
    struct err err;
    if (tokenizer_encode(t, s, strlen(s), ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, &ids, &err) < 0)
        buf_printf(out, "error %s", err.text);
    for (size_t i = 0; i < ids.n; i++)
        buf_printf(out, "%s%d", i ? " " : "", ids.id[i]);
    buf_char(out, '\n');
    tokenizer_decode(t, ids.id, ids.n, 0, out);
    buf_char(out, '\n');
    ids_free(&ids);
}

static void check_kind(const char *kind)
{
    char *path = xasprintf("tests/golden/tokenizers/%s.json", kind), *want_path = xasprintf("tests/golden/tokenizers/%s.ids", kind);
    struct buf json = { 0 }, want = { 0 }, got = { 0 };
    struct err err = { 0 };
    struct tokenizer *t = NULL;
    if (io_read(path, &json, &err) == 0 && io_read(want_path, &want, &err) == 0)
        t = tokenizer_from_json(json.data, json.len, NULL, 0, &err);
    ok(t != NULL, "%s loads: %s", kind, t ? "yes" : err.text);
    for (int i = 0, block = 0; t && i < n_strings; i += BLOCK, block++) {
        char hex[65];
        buf_clear(&got);
        for (int k = i; k < i + BLOCK && k < n_strings; k++)
            describe(t, strings[k], &got);
        sha256_hex(got.data, got.len, hex);
        ok(want.len >= (size_t)(block + 1) * 65 && !memcmp(hex, want.data + block * 65, 64), "%s: strings %d to %d", kind, i, i + BLOCK - 1);
    }
    tokenizer_destroy(t);
    buf_free(&json);
    buf_free(&want);
    buf_free(&got);
    free(path);
    free(want_path);
}

static void check_refusals(void)
{
    static const struct {
        const char *json, *says;
    } bad[] = {
        { "{", "JSON" },
        { "{\"model\": {\"type\": \"WordPiece\"}}", "WordPiece" },
        { "{\"model\": {\"type\": \"BPE\"}}", "vocab" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}}", "impossible" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 1e300}, \"merges\": []}}", "impossible" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}", "merge 0" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}}", "no pair" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"dropout\": 0.1}}", "dropout" },
        { "{\"normalizer\": {\"type\": \"Precompiled\"}, \"model\": {}}", "Precompiled" },
        { "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}}, \"model\": {}}", "(" },
        { "{\"decoder\": {\"type\": \"CTC\"}, \"model\": {}}", "CTC" },
        { "{\"post_processor\": {\"type\": \"Odd\"}, \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}", "Odd" },
        { "{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}}", "pair" },
        { "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 7, \"vocab\": [[\"a\", -1]]}}", "unk_id" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        struct tokenizer *t = tokenizer_from_json(bad[i].json, strlen(bad[i].json), NULL, 0, &err);
        ok(!t && strstr(err.text, bad[i].says), "refused: %s", t ? bad[i].json : err.text);
        tokenizer_destroy(t);
    }
}

int main(void)
{
    static const char *const kind[] = { "gpt2", "llama3", "qwen2", "smollm", "llama2", "mistral", "unigram" };
    read_strings();
    ok(n_strings >= 2000, "%d strings", n_strings);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        check_kind(kind[i]);
    check_refusals();
    for (int i = 0; i < n_strings; i++)
        free(strings[i]);
    free(strings);
    return done_testing();
}
