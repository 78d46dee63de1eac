/* stop.c - where an answer ends and what is cleaned from it.
 * FastChat's quirk is kept, since published answers have it: a stop string whose first occurrence is at position 0 is ignored completely.
 */
#include "mtbench/stop.h"

#include "mtbench/nul.h"

#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

/* First position of 'what', or -1. */
static long find(const char *text, size_t n, const char *what)
{
    size_t k = strlen(what);
    const char *p = k ? memmem(text, n, what, k) : NULL;
    return p ? (long)(p - text) : -1;
}

static size_t cut_at(const struct stop_rule *r, const char *text, size_t n)
{
    size_t cut = n;
    for (int i = 0; i < r->n_stop; i++) {
        long p = find(text, n, r->stop[i]);
        if (p > 0 && (size_t)p < cut)
            cut = (size_t)p;
    }
    return cut;
}

/* The cut moves only when another stop string turns out to begin before it; that one would have begun within the text that is here, so once
 * the longest one fits behind the cut, nothing that follows can change it. */
bool stop_reached(const struct stop_rule *r, const char *text, size_t n)
{
    size_t cut = cut_at(r, text, n), longest = 0;
    if (cut == n)
        return false;
    for (int i = 0; i < r->n_stop; i++)
        longest = strlen(r->stop[i]) > longest ? strlen(r->stop[i]) : longest;
    return n >= cut + longest;
}

/* Python's str.strip(): what str.isspace() is true for. */
static bool is_space(int32_t c)
{
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static void strip(struct buf *b, size_t start)
{
    utf8proc_int32_t c;
    size_t begin = start, end = b->len;
    while (begin < end) {
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)b->data + begin, (utf8proc_ssize_t)(end - begin), &c);
        if (k < 1 || !is_space(c))
            break;
        begin += (size_t)k;
    }
    while (end > begin) {
        size_t at = end - 1;
        while (at > begin && ((unsigned char)b->data[at] & 0xc0) == 0x80)
            at--;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)b->data + at, (utf8proc_ssize_t)(end - at), &c);
        if (k != (utf8proc_ssize_t)(end - at) || !is_space(c))
            break;
        end = at;
    }
    memmove(b->data + start, b->data + begin, end - begin);
    b->len = start + end - begin;
    b->data[b->len] = '\0';
}

static void delete_all(struct buf *b, size_t start, const char *what)
{
    size_t k = strlen(what), to = start;
    if (k == 0)
        return;
    for (size_t at = start; at < b->len;) {
        if (b->len - at >= k && !memcmp(b->data + at, what, k))
            at += k;
        else
            b->data[to++] = b->data[at++];
    }
    b->len = to;
    b->data[to] = '\0';
}

void stop_clean(const struct stop_rule *r, const char *text, size_t n, struct buf *out)
{
    static const char label[] = "Assistant:";
    size_t start = out->len;
    buf_add(out, text, cut_at(r, text, n));
    for (int i = 0; i < r->n_special; i++)
        delete_all(out, start, r->special[i]);
    strip(out, start);
    if (r->strip_assistant && out->len - start >= strlen(label) && !memcmp(out->data + start, label, strlen(label))) {
        memmove(out->data + start, out->data + start + strlen(label), out->len - start - strlen(label));
        out->len -= strlen(label);
        strip(out, start);
    }
    nul_spell(out, start);
}
