/* difference.c - where two answers to one prompt part. */
#include "mtbench/difference.h"

#include "mtbench/json.h"

#include <string.h>

static size_t common(const char *a, size_t n_a, const char *b, size_t n_b)
{
    size_t i = 0;
    while (i < n_a && i < n_b && a[i] == b[i])
        i++;
    return i;
}

/* The answer that these tokens are, as a record would have it. */
static void text_of(const struct tokenizer *t, const struct chat *chat, const int32_t *token, int n, struct buf *text)
{
    struct buf raw = {0};
    buf_clear(text);
    tokenizer_decode(t, token, (size_t)n, 0, &raw);
    chat_clean(chat, raw.data ? raw.data : "", raw.len, text);
    buf_free(&raw);
}

/* Without a character whose other bytes are tokens to come. */
static size_t without_torn_end(const struct buf *text)
{
    static const char torn[] = "\xef\xbf\xbd";
    size_t n = text->len;
    while (n >= 3 && !memcmp(text->data + n - 3, torn, 3))
        n -= 3;
    return n;
}

/* The first token after which the text is no beginning of the stored one. */
static int leads_away(const struct tokenizer *t, const struct chat *chat, const char *stored, const int32_t *token, int n)
{
    struct buf text = {0};
    size_t n_stored = strlen(stored);
    int i = 0;
    for (; i < n; i++) {
        text_of(t, chat, token, i + 1, &text);
        size_t len = i + 1 < n ? without_torn_end(&text) : text.len;
        if (common(stored, n_stored, text.data, len) < len)
            break;
    }
    buf_free(&text);
    return i;
}

static int32_t token_at(const struct tokenizer *t, const char *text, size_t n, size_t byte)
{
    struct ids ids = {0};
    struct buf said = {0};
    size_t i = 0;
    int32_t id = TOKEN_END;
    if (tokenizer_encode(t, text, n, 0, &ids, NULL) < 0)
        id = TOKEN_UNTOLD;
    for (; id == TOKEN_END && i < ids.n && byte < n; i++) {
        buf_clear(&said);
        tokenizer_decode(t, ids.id, i + 1, 0, &said);
        if ((i + 1 < ids.n ? without_torn_end(&said) : said.len) > byte || i + 1 == ids.n)
            id = ids.id[i];
    }
    buf_free(&said);
    ids_free(&ids);
    return id;
}

void difference_find(const struct tokenizer *t, const struct chat *chat, const char *stored, const int32_t *token, int n,
                     struct difference *d)
{
    struct buf text = {0};
    size_t n_stored = strlen(stored);
    text_of(t, chat, token, n, &text);
    d->byte = common(stored, n_stored, text.data ? text.data : "", text.len);
    d->token = leads_away(t, chat, stored, token, n);
    d->here = d->token < n ? token[d->token] : TOKEN_END;
    d->stored = token_at(t, stored, n_stored, d->byte);
    buf_free(&text);
}

static void put_token(struct buf *out, const struct tokenizer *t, int32_t id)
{
    struct buf text = {0};
    if (id == TOKEN_END) {
        buf_str(out, "the end of the answer");
        return;
    }
    if (id == TOKEN_UNTOLD) {
        buf_str(out, "a text that this tokenizer cannot cut");
        return;
    }
    tokenizer_decode(t, &id, 1, 0, &text);
    buf_printf(out, "%d ", (int)id);
    json_put_string(out, text.data ? text.data : "", text.len);
    buf_free(&text);
}

void difference_put(struct buf *out, const struct tokenizer *t, const struct difference *d, const char *here, const char *there)
{
    buf_printf(out, "token %d is ", d->token);
    put_token(out, t, d->here);
    buf_printf(out, " %s and ", here);
    put_token(out, t, d->stored);
    buf_printf(out, " %s, byte %zu", there, d->byte);
}
