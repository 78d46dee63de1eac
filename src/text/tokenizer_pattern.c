/* tokenizer_pattern.c - a literal or a regular expression (room: text).
 * tokenizer.json is written for Oniguruma; regex_dialect.c says it in PCRE2's words. */
#include "regex_dialect.h"
#include "tokenizer_parts.h"
#include "unicode.h"

#include "mtbench/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
    pcre2_code *code;                /* NULL: literal */
    char *text;
    size_t len;
};

struct matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

struct matcher *matcher_create(void)
{
    struct matcher *m = xcalloc(1, sizeof(*m));
    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);
    if (m->context)
        /* A pattern from a file may backtrack without end: some seconds at most, then the text is refused. */
        pcre2_set_match_limit(m->context, 10 * 1000 * 1000);
    return m;
}

void matcher_free(struct matcher *m)
{
    if (!m)
        return;
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    free(m);
}

static pcre2_code *compile(const char *s, size_t n, struct err *err)
{
    struct buf t = { 0 };
    int code = 0;
    PCRE2_SIZE at = 0;
    if (regex_to_pcre2(s, n, &t, err) < 0) {
        buf_free(&t);
        return NULL;
    }
    pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
    /* PCRE2 recurses a level for each parenthesis; more than any tokenizer has is a hostile file. */
    if (cc)
        pcre2_set_parens_nest_limit(cc, 100);
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)(t.data ? t.data : ""), t.len,
                                   /* Oniguruma's Ruby syntax: ^ and $ at every line, classes by Unicode. \C would split characters. */
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code, &at, cc);
    if (re) {
        pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);     /* where it fails, matching is only slower */
    } else {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof(why));
        err_set(err, ERR_MODEL, "pattern %.*s: %s; the tokenizer uses a regular expression that this program cannot read",
                n < 120 ? (int)n : 120, s, (char *)why);
    }
    pcre2_compile_context_free(cc);
    buf_free(&t);
    return re;
}

/* The text is kept for messages, and for literals it is the pattern. */
struct pattern *pattern_create(const char *s, size_t n, bool literal, struct err *err)
{
    struct pattern *p = xcalloc(1, sizeof(*p));
    p->text = xstrndup(s, n);
    p->len = n;
    if (!literal && !(p->code = compile(s, n, err))) {
        pattern_free(p);
        return NULL;
    }
    return p;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    free(p->text);
    free(p);
}

bool pattern_is(const struct pattern *p, const char *s)
{
    return p->len == strlen(s) && !memcmp(p->text, s, p->len);
}

bool pattern_is_literal(const struct pattern *p)
{
    return !p->code;
}

int pattern_find(const struct pattern *p, struct matcher *m, const char *s, size_t n, size_t from, size_t *start, size_t *end,
                 struct err *err)
{
    /* Most patterns are one character ("\u2581"): memmem is an order faster than a matcher. */
    if (!p->code) {
        const char *hit = p->len ? memmem(s + from, n - from, p->text, p->len) : NULL;
        if (hit) {
            *start = (size_t)(hit - s);
            *end = *start + p->len;
        }
        return hit != NULL;
    }
    /* The text was checked (tokenizer_encode()), so PCRE2 need not do it again for each of a thousand matches. */
    int rc = pcre2_match(p->code, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK, m->data, m->context);
    /* JIT has 32 kB of stack; the interpreter takes the heap, slower and without that limit. */
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(p->code, (PCRE2_SPTR)s, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, m->data, m->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    const PCRE2_SIZE *o = pcre2_get_ovector_pointer(m->data);
    /* \K in a look ahead can put a match's start behind its end; nothing sensible can be cut there. */
    if (rc < 0 || o[0] > o[1])
        return err_set(err, ERR_FORMAT, "text: pattern %.80s gave up at byte %zu; the text is too hard for the tokenizer's pattern",
                       p->text, from);
    *start = o[0];
    *end = o[1];
    return 1;
}

/* 'm' may be NULL for a literal. */
int pattern_replace(const struct pattern *p, struct matcher *m, const char *s, size_t n, struct slice with, struct buf *out,
                    struct err *err)
{
    size_t done = 0, from = 0, start = 0, end = 0;
    int rc = 0;
    while (from <= n && (rc = pattern_find(p, m, s, n, from, &start, &end, err)) > 0) {
        buf_add(out, s + done, start - done);
        buf_add(out, with.ptr, with.len);
        done = end;
        from = end;
        /* An empty match moves on by a character, and stands at the end of the text once. */
        if (start == end) {
            if (end == n)
                break;
            from += utf8_len(s[end]);
        }
    }
    buf_add(out, s + done, n - done);
    return rc < 0 ? -1 : 0;
}
