/* tokenizer_slow.c - tokenizer.model with the side files of 2023's repositories against transformers' LlamaTokenizer: ids of all strings,
 * and texts of ids that hold more special tokens and bytes than any model draws (tests/golden/make_spm.py). */
#include "mtbench/buf.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"
#include "mtbench/tokenizer.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 200, N_SEQUENCES = 1000, PIECES = 900 };

static struct buf read_golden(const char *name)
{
    struct buf b = { 0 };
    struct err err;
    char *path = xasprintf("tests/golden/tokenizers/%s", name);
    ok(io_read(path, &b, &err) == 0, "%s is there", name);
    free(path);
    return b;
}

static void end_block(const struct buf *b, const cJSON *want, int block, const char *what, int line)
{
    char hex[65];
    const char *w = cJSON_GetStringValue(cJSON_GetArrayItem(want, block));
    sha256_hex(b->data ? b->data : "", b->len, hex);
    ok(w && !strncmp(hex, w, 16), "files %d: %s of block %d", line, what, block);
}

static void check_ids(const struct tokenizer *t, const struct buf *strings, const cJSON *want, int line)
{
    struct buf b = { 0 };
    struct ids ids = { 0 };
    struct err err;
    int n = 0;
    for (char *p = strings->data, *end; (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        const char *s = cJSON_GetStringValue(j);
        ids_clear(&ids);
        if (!s || tokenizer_encode(t, s, strlen(s), ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, &ids, &err) < 0)
            buf_str(&b, "none");
        for (size_t i = 0; i < ids.n; i++)
            buf_printf(&b, "%s%d", i ? " " : "", ids.id[i]);
        buf_char(&b, '\n');
        cJSON_Delete(j);
        if (++n % BLOCK && end[1])
            continue;
        end_block(&b, want, (n - 1) / BLOCK, "ids", line);
        buf_clear(&b);
    }
    ids_free(&ids);
    buf_free(&b);
}

/* sequence() of make_spm.py */
static int sequence(int i, int n_ids, int32_t id[13])
{
    uint64_t x = (uint64_t)i;
    int n = 1 + i % 13;
    for (int k = 0; k < n; k++) {
        x = (x * 1103515245 + 12345) % (1u << 31);
        int kind = x >> 16 & 3, at = (int)(x >> 18);
        id[k] = kind == 0 ? at % 3 : kind == 1 ? 3 + at % 256 : kind == 2 && n_ids > PIECES ? n_ids - 1 - at % 8 : at % n_ids;
    }
    return n;
}

static void check_texts(const struct tokenizer *t, const cJSON *want, int n_ids, int line)
{
    struct buf b = { 0 };
    for (int i = 0; i < N_SEQUENCES; i++) {
        int32_t id[13];
        int n = sequence(i, n_ids, id);
        tokenizer_decode(t, id, (size_t)n, 0, &b);
        buf_char(&b, '\n');
        if ((i + 1) % BLOCK)
            continue;
        end_block(&b, want, i / BLOCK, "texts", line);
        buf_clear(&b);
    }
    buf_free(&b);
}

static struct slice text_of(const cJSON *j, char **kept)
{
    *kept = cJSON_IsObject(j) ? cJSON_PrintUnformatted(j) : NULL;
    return (struct slice){ *kept, *kept ? strlen(*kept) : 0 };
}

static void check_files(const struct buf *model, const struct buf *strings, const cJSON *j, int line)
{
    const cJSON *flip = json_get(j, "flip");      /* where a flag of the model's file is turned over: OpenLLaMA's removes extra spaces */
    if (cJSON_IsNumber(flip))
        model->data[(int)flip->valuedouble] ^= 1;
    char *kept[3];
    struct err err = { 0 };
    const struct tokenizer_files f = {
        .config = text_of(json_get(j, "config"), &kept[0]), .special_map = text_of(json_get(j, "map"), &kept[1]),
        .added = text_of(json_get(j, "added"), &kept[2]),
    };
    const int n_ids = (int)cJSON_GetNumberValue(json_get(j, "n_ids"));
    struct tokenizer *t = tokenizer_from_sentencepiece((struct slice){ model->data, model->len }, &f, &err);
    ok(t != NULL, "files %d load: %s", line, t ? "yes" : err.text);
    if (t) {
        check_ids(t, strings, json_get(j, "ids"), line);
        check_texts(t, json_get(j, "texts"), n_ids, line);
    }
    tokenizer_destroy(t);
    if (cJSON_IsNumber(flip)) {
        static const char config[] = "{\"legacy\": false}";
        const struct tokenizer_files other = { .config = { config, sizeof config - 1 } };
        ok(!tokenizer_from_sentencepiece((struct slice){ model->data, model->len }, &other, &err) && strstr(err.text, "legacy false"),
           "refused: %s", err.text);
        model->data[(int)flip->valuedouble] ^= 1;
    }
    for (int i = 0; i < 3; i++)
        free(kept[i]);
}

/* Files of strangers: ids between the model's pieces and an added token's far behind them, a model with more rows draws them. */
static void check_gap(const struct buf *model)
{
    static const char added[] = "{\"<far>\": 1003}", config[] = "{\"tokenizer_class\": \"LlamaTokenizer\", \"bos_token\": \"\"}";
    static const int32_t id[] = { 1001, 1003, 1002, 1000 };
    struct err err = { 0 };
    struct buf b = { 0 };
    for (int i = 0; i < 2; i++) {
        const struct tokenizer_files f = { .added = { added, sizeof added - 1 },
                                           .config = { i ? config : NULL, i ? sizeof config - 1 : 0 } };
        struct tokenizer *t = tokenizer_from_sentencepiece((struct slice){ model->data, model->len }, &f, &err);
        ok(t != NULL, "an added token far behind: %s", err.text);
        buf_clear(&b);
        if (t)
            tokenizer_decode(t, id, 4, 0, &b);
        ok(b.len == 5 && !memcmp(b.data, "<far>", 5), "ids that nobody has are no text: \"%s\"", b.data ? b.data : "");
        tokenizer_destroy(t);
    }
    buf_free(&b);
}

int main(void)
{
    struct buf model = read_golden("spm.model"), strings = read_golden("strings.jsonl"), golden = read_golden("slow.jsonl");
    struct err err;
    int line = 0;
    for (char *p = golden.data, *end; p && (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        check_files(&model, &strings, j, ++line);
        cJSON_Delete(j);
    }
    check_gap(&model);
    ok(line == 13, "%d kinds of side files", line);
    buf_free(&model);
    buf_free(&strings);
    buf_free(&golden);
    return done_testing();
}
