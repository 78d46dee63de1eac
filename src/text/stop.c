/* stop.c - where an answer ends and what is cleaned from it.
 * FastChat's quirk is kept, since published answers have it: a stop string whose first occurrence is at position 0 is ignored completely.
 */
#include "mtbench/stop.h"

#include "mtbench/nul.h"

#include "unicode.h"

#include <string.h>

/* First position of 'what', or -1. */
static long find(const char *text, size_t n, const char *what)
{
    size_t k = strlen(what);
    /* strstr would end at a NUL that a model has said */
    const char *p = k ? memmem(text, n, what, k) : NULL;
    return p ? (long)(p - text) : -1;
}

static size_t cut_at(const struct stop_rule *r, const char *text, size_t n)
{
    size_t cut = n;
    for (int i = 0; i < r->n_stop; i++) {
        long p = find(text, n, r->stop[i]);
        /* FastChat asks find() > 0: one at the very beginning is passed over, and so is every later one of the same string */
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

/* Python's str.strip() of all behind 'start'. */
static void strip(struct buf *b, size_t start)
{
    struct slice kept = utf8_strip((struct slice){ b->data + start, b->len - start });
    memmove(b->data + start, kept.ptr, kept.len);
    b->len = start + kept.len;
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
