/* reply_body.c - from the bytes of a reply to its JSON. */
#include "reply_body.h"

#include "stream.h"

#include <ctype.h>
#include <string.h>

/* ---- bytes that strict readers refuse ---- */

static int hex4(const char *s)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)s[i]))
            return -1;
        v = 16 * v + (isdigit((unsigned char)s[i]) ? s[i] - '0' : tolower((unsigned char)s[i]) - 'a' + 10);
    }
    return v;
}

static int escape_at(const char *s, const char *end)
{
    return end - s >= 6 && s[0] == '\\' && s[1] == 'u' ? hex4(s + 2) : -1;
}

/* Copy the escape at 's' and return how many bytes of it were used. */
static size_t clean_escape(struct buf *b, const char *s, const char *end)
{
    int c = escape_at(s, end);
    if (c < 0) {
        size_t n = end - s >= 2 && s[1] ? 2 : 1; /* a backslash and what it escapes stay together: \" ends no string */
        buf_add(b, s, n);
        return n;
    }
    /* Halves of pairs come where a server cuts streams between UTF-16 units. One half is no character: U+FFFD, as a
     * decoder would put it. */
    int low = c >= 0xd800 && c < 0xdc00 ? escape_at(s + 6, end) : -1;
    if (low >= 0xdc00 && low < 0xe000) { /* a whole pair is copied as it is */
        buf_add(b, s, 12);
        return 12;
    }
    if (c >= 0xd800 && c < 0xe000)
        buf_str(b, "\\ufffd");
    else
        buf_add(b, s, 6);
    return 6;
}

/* Python writes numbers so that JSON has no word for; none of them is one that we read. Returns its length, 0 for none. */
static size_t no_number(const char *s, const char *end)
{
    static const char *const word[] = { "NaN", "-NaN", "Infinity", "-Infinity" };
    for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
        size_t n = strlen(word[i]);
        if ((size_t)(end - s) >= n && !memcmp(s, word[i], n))
            return n;
    }
    return 0;
}

static void clean(struct buf *out, const char *s, const char *end)
{
    bool inside = false;                 /* a string */
    while (s < end) {
        size_t n = inside ? 0 : no_number(s, end);
        if (n) {
            buf_str(out, "null");        /* as long as nobody reads it; log-probabilities are what comes so */
            s += n;
        } else if (*s == '\\') {
            s += clean_escape(out, s, end);
        } else {
            inside ^= *s == '"';
            buf_char(out, *s ? *s : ' '); /* a byte 0 is what C parsers stop at */
            s++;
        }
    }
}

cJSON *reply_parse(const char *text, size_t n, struct err *err)
{
    struct buf valid = {0}, whole = {0};
    size_t done = n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
    n = stream_without_done(text, n);
    while (done < n) {
        long bad = utf8_bad(text + done, n - done);
        buf_add(&valid, text + done, bad < 0 ? n - done : (size_t)bad);
        done = bad < 0 ? n : done + (size_t)bad + 1;
        if (bad >= 0)
            buf_str(&valid, "\xef\xbf\xbd");
    }
    if (valid.len)
        clean(&whole, valid.data, valid.data + valid.len);
    cJSON *j = json_parse(whole.data ? whole.data : "", whole.len, err);
    buf_free(&valid);
    buf_free(&whole);
    return j;
}

/* ---- streams ---- */

void reply_copy(cJSON *whole, const cJSON *event, const char *name)
{
    const cJSON *value = json_get(event, name);
    if (!value || cJSON_IsNull(value))   /* the usage is null in all events but the last */
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(whole, name); /* the later word counts */
    cJSON_AddItemToObject(whole, name, cJSON_Duplicate(value, true));
}

cJSON *reply_body(const char *text, size_t n, reply_join_f *join, bool *streamed)
{
    *streamed = stream_looks_so(text, n); /* by its bytes: content types are often wrong */
    if (!*streamed)
        return reply_parse(text, n, NULL);
    cJSON *whole = cJSON_CreateObject();
    struct stream s = stream_open(text, n);
    struct buf data = {0};
    while (whole && stream_next(&s, &data)) {
        if (data.len == 0 || !strncmp(data.data, "[DONE]", 6))
            continue;
        cJSON *event = reply_parse(data.data, data.len, NULL);
        if (event) {
            join(whole, event);
        } else {                         /* torn: what came before it is a part */
            cJSON_Delete(whole);
            whole = NULL;
        }
        cJSON_Delete(event);
    }
    buf_free(&data);
    return whole;
}
