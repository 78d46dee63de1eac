/* browser_text.c - the texts of FastChat's qa_browser. */
#include "browser_text.h"

#include "mtbench/judgment.h"
#include "mtbench/slice.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <utf8proc.h>

#define BULLET "\xe2\x80\xa2" /* U+2022 */

/* The character at s; returns its bytes, 1 of what is none. */
static size_t character(const char *s, size_t n, int32_t *c)
{
    const utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, c);
    return len < 1 ? 1 : (size_t)len;
}

/* What Python's str.strip() takes away. */
static bool is_space(int32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static struct slice strip(const char *s, size_t n)
{
    int32_t c;
    for (size_t len; n && (len = character(s, n, &c), is_space(c)); s += len, n -= len)
        ;
    while (n) {
        size_t last = n - 1;
        while (last && ((unsigned char)s[last] & 0xc0) == 0x80)
            last--;
        character(s + last, n - last, &c);
        if (!is_space(c))
            break;
        n = last;
    }
    return (struct slice){ s, n };
}

/* Does an item of a list begin here: "- ", a bullet, which becomes that, or a number (in any script's digits) with a point and a blank? */
static bool is_item(const char *s, size_t n)
{
    size_t i = 0;
    int32_t c;
    if ((n >= 2 && !memcmp(s, "- ", 2)) || (n >= 3 && !memcmp(s, BULLET, 3)))
        return true;
    for (size_t len; i < n && (len = character(s + i, n - i, &c), utf8proc_category(c) == UTF8PROC_CATEGORY_ND); i += len)
        ;
    return i > 0 && n - i >= 2 && !memcmp(s + i, ". ", 2);
}

void browser_put_question(struct buf *out, const struct question *q)
{
    const char *text = q->n_turns ? q->turn[0] : "";
    size_t n = strlen(text), end = 0;
    int32_t c;
    for (int i = 0; i < 128 && end < n; i++)
        end += character(text + end, n - end, &c);
    buf_printf(out, "%" PRId64 ": ", q->id);
    buf_add(out, text, end);
    buf_str(out, "...");
}

void browser_put_answer(struct buf *out, const char *answer, size_t n)
{
    const struct slice s = strip(answer, n);
    size_t from = 0;                     /* copied up to here */
    for (size_t i = 0; i < s.len; i++) {
        const bool bullet = s.len - i >= 3 && !memcmp(s.ptr + i, BULLET, 3);
        const bool blank = s.len - i >= 2 && s.ptr[i] == '\n' && s.ptr[i + 1] == '\n' && is_item(s.ptr + i + 2, s.len - i - 2);
        if (!bullet && !blank)
            continue;
        buf_add(out, s.ptr + from, i - from);
        if (bullet)
            buf_str(out, "- ");
        from = i + (bullet ? 3 : 1);     /* of two newlines the second stays */
        i = bullet ? from - 1 : from;
    }
    buf_add(out, s.ptr + from, s.len - from);
}

void browser_put_reference(struct buf *out, const struct question *q)
{
    bool any = false;
    for (int i = 0; i < q->n_reference; i++)
        any |= q->reference[i][0] != '\0';
    for (int i = 0; i < q->n_reference && any; i++)
        buf_printf(out, "%sQ%d. %s", i ? "\n" : "", i + 1, q->reference[i]);
}

void browser_put_single(struct buf *out, const char *model, double score, bool score_is_int, const char *judgment)
{
    buf_printf(out, "**Game 1**. **A**: %s, **Score**: ", model);
    if (isnan(score))
        buf_str(out, "None");
    else
        score_put(out, score, score_is_int);
    buf_printf(out, "\n\n**Judgment**: %s", judgment);
}

void browser_put_pair(struct buf *out, const char *a, const char *b, const char *a_first, const char *b_first)
{
    buf_printf(out, "**Game 1**. **A**: %s, **B**: %s\n\n**Judgment**: %s\n\n`--------------------------`\n\n", a, b, a_first);
    buf_printf(out, "**Game 2**. **A**: %s, **B**: %s\n\n**Judgment**: %s", b, a, b_first);
}
