/* row_text.c - texts and numbers of lines, as a campaign file has them. */
#include "collect_priv.h"

#include "mtbench/json_scan.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* HDF5's texts end at a NUL: the replacement character stands for it, and the line's own bytes are kept beside. */
static void without_nul(char **text)
{
    struct buf b = {0};
    if (!*text || !nul_spelled(*text, strlen(*text)))
        return;
    const char *from = *text;
    for (const char *at; (at = strstr(from, "\xC0\x80")); from = at + 2) {
        buf_add(&b, from, (size_t)(at - from));
        buf_str(&b, "\xEF\xBF\xBD");
    }
    buf_str(&b, from);
    free(*text);
    *text = buf_steal(&b);
}

/* Half a surrogate pair is no character: its escape becomes that of the replacement character, in place. */
static void mend_surrogates(char *s, size_t n)
{
    for (size_t i = 0; i + 6 <= n; i += s[i] == '\\' ? (s[i + 1] == 'u' ? 6 : 2) : 1) {
        unsigned v = 0, low = 0;
        if (s[i] != '\\' || s[i + 1] != 'u' || sscanf(s + i + 2, "%4x", &v) != 1 || v < 0xD800 || v > 0xDFFF)
            continue;
        if (v < 0xDC00 && i + 12 <= n && s[i + 6] == '\\' && s[i + 7] == 'u' && sscanf(s + i + 8, "%4x", &low) == 1 && low >= 0xDC00 &&
            low <= 0xDFFF)
            i += 6;                      /* a whole pair */
        else
            memcpy(s + i + 2, "fffd", 4);
    }
}

/* A member's text as the file will have it; NULL: it is something else. */
char *row_text(struct slice value)
{
    struct json_text t;
    if (!json_member_string(value, &t))
        return NULL;
    char *out = xrealloc(NULL, t.len + 1, 1);
    long n = json_text_decode(&t, out);
    if (n < 0) {
        char *mended = xstrndup(t.ptr, t.len);
        mend_surrogates(mended, t.len);
        t.ptr = mended;
        n = json_text_decode(&t, out);
        free(mended);
    }
    out[n < 0 ? 0 : n] = '\0';
    without_nul(&out);
    return out;
}

char *row_copy(const char *s)
{
    char *copy = s ? xstrdup(s) : NULL;
    without_nul(&copy);
    return copy;
}

double row_number(struct slice value, double otherwise)
{
    double x;
    bool is_int;
    return json_member_number(value, &x, &is_int) ? x : otherwise;
}
