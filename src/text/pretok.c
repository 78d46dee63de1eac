/* pretok.c - texts cut into the pieces that merges never cross (room: text).
 * The "pre_tokenizer" section of tokenizer.json, and the table of what GGUF names mean by one word. Every step copies the text into a
 * fresh set of pieces: prompts are short, and a step may change the bytes. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- the bijection of GPT-2: printable characters stand for themselves, the 68 other bytes for U+0100 .. U+0143 ---- */

#define ROW(c) (c), (c) + 1, (c) + 2, (c) + 3, (c) + 4, (c) + 5, (c) + 6, (c) + 7
const uint16_t byte_char[256] = {
    ROW(0x100), ROW(0x108), ROW(0x110), ROW(0x118),                                     /* 00-1f */
    0x120, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, ROW(0x28), ROW(0x30), ROW(0x38),   /* 20-3f */
    ROW(0x40), ROW(0x48), ROW(0x50), ROW(0x58), ROW(0x60), ROW(0x68), ROW(0x70),
    0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x121,                                    /* 78-7f */
    ROW(0x122), ROW(0x12a), ROW(0x132), ROW(0x13a),                                     /* 80-9f */
    0x142, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
    0xa8, 0xa9, 0xaa, 0xab, 0xac, 0x143, 0xae, 0xaf,
    ROW(0xb0), ROW(0xb8), ROW(0xc0), ROW(0xc8), ROW(0xd0), ROW(0xd8), ROW(0xe0), ROW(0xe8), ROW(0xf0), ROW(0xf8),
};

int char_byte(uint32_t c)
{
    if (c < 0x100)
        return byte_char[c] == c ? (int)c : -1;
    if (c > 0x143)
        return -1;
    /* the three runs of bytes that have no printable sign of their own: 00-20, 7f-a0, ad */
    return c < 0x121 ? (int)(c - 0x100) : c < 0x143 ? (int)(c - 0x121 + 0x7f) : 0xad;
}

/* ---- pieces ---- */

void pieces_add(struct pieces *p, const char *s, size_t n, bool first)
{
    /* SplitDelimiterBehavior of tokenizers drops empty pieces after every step */
    if (n == 0)
        return;
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->piece = xrealloc(p->piece, p->cap, sizeof(*p->piece));
    }
    p->piece[p->n++] = (struct piece){ p->text.len, n, first };
    buf_add(&p->text, s, n);
}

void pieces_clear(struct pieces *p)
{
    p->n = 0;
    buf_clear(&p->text);
}

void pieces_free(struct pieces *p)
{
    free(p->piece);
    buf_free(&p->text);
    *p = (struct pieces){ 0 };
}

/* ---- cutting ---- */

/* A text as a sequence of segments, each a match or what lies between matches; 'held' waits for its neighbour. */
struct cutter {
    const char *s;
    bool first;
    enum behaviour behaviour;
    struct pieces *out;
    size_t start, end;                   /* of the segment that is held */
    bool held, match;
};

static void cut_flush(struct cutter *c)
{
    if (c->held)
        pieces_add(c->out, c->s + c->start, c->end - c->start, c->first && c->start == 0);
    c->held = false;
}

static void cut_hold(struct cutter *c, size_t start, size_t end)
{
    cut_flush(c);
    c->start = start;
    c->end = end;
    c->held = true;
}

static void cut_segment(struct cutter *c, size_t start, size_t end, bool match)
{
    bool joins = false;
    /* White space that separates is gone; the neighbours on its two sides stay apart. */
    if (c->behaviour == SPLIT_REMOVED && match)
        return;
    if (c->held && c->behaviour == SPLIT_CONTIGUOUS)
        joins = match == c->match;
    /* A match joins what lies before it, but never a match before it: "a--" by "-" is "a-", "-". */
    if (c->held && c->behaviour == SPLIT_PREVIOUS)
        joins = match && !c->match;
    if (c->held && c->behaviour == SPLIT_NEXT)
        joins = !match && c->match;
    if (joins)
        c->end = end;
    else
        cut_hold(c, start, end);
    c->match = match;
}

static int cut_pattern(struct cutter *c, const struct pattern *p, struct matcher *m, size_t n, bool invert, struct err *err)
{
    size_t done = 0, from = 0, start = 0, end = 0;
    int rc = 0;
    /* Matches do not overlap; an empty one cuts, and the search goes on one character behind it. */
    while (from <= n && (rc = pattern_find(p, m, c->s, n, from, &start, &end, err)) > 0) {
        if (start > done)
            cut_segment(c, done, start, invert);
        cut_segment(c, start, end, !invert);
        done = from = end;
        if (start == end) {
            if (end == n)
                break;
            from += utf8_len(c->s[end]);
        }
    }
    if (rc < 0)
        return -1;
    if (done < n)                        /* what stands behind the last match */
        cut_segment(c, done, n, invert);
    cut_flush(c);
    return 0;
}

static void cut_class(struct cutter *c, bool (*is)(uint32_t), size_t n)
{
    size_t done = 0;
    for (const char *p = c->s, *end = c->s + n; p < end;) {
        size_t at = (size_t)(p - c->s);
        if (!is(utf8_next(&p, end)))
            continue;
        if (at > done)
            cut_segment(c, done, at, false);
        done = (size_t)(p - c->s);
        cut_segment(c, at, done, true);
    }
    if (done < n)
        cut_segment(c, done, n, false);
    cut_flush(c);
}

/* ---- steps ---- */

static int step_bytes(const struct step *s, struct matcher *m, const char *p, size_t n, bool first, struct pieces *out, struct err *err)
{
    struct pieces raw = { 0 };
    struct buf t = { 0 };
    int rc = 0;
    /* "starts with a space" is asked of each piece that reaches this step, so it goes before all of them where Split ran first. */
    if (s->prefix_space && p[0] != ' ') {
        buf_char(&t, ' ');
        buf_add(&t, p, n);
        p = t.data;
        n = t.len;
    }
    struct cutter c = { .s = p, .first = first, .behaviour = SPLIT_ISOLATED, .out = &raw };
    /* GPT-2's own pattern, unless use_regex is off because a Split step has cut by another. */
    if (s->pattern)
        rc = cut_pattern(&c, s->pattern, m, n, false, err);
    else
        pieces_add(&raw, p, n, first);
    buf_clear(&t);
    for (size_t i = 0; i < raw.n && rc == 0; i++) {
        struct buf mapped = { 0 };
        /* Bytes to characters only now: the pattern speaks of letters and blanks, not of their disguise. */
        for (size_t k = 0; k < raw.piece[i].len; k++)
            utf8_put(&mapped, byte_char[(unsigned char)raw.text.data[raw.piece[i].off + k]]);
        pieces_add(out, mapped.data, mapped.len, raw.piece[i].first);
        buf_free(&mapped);
    }
    pieces_free(&raw);
    buf_free(&t);
    return rc;
}

static int step_metaspace(const struct step *s, struct matcher *m, const char *p, size_t n, bool first, struct pieces *out, struct err *err)
{
    struct buf t = { 0 };
    /* Asked after blanks became signs: a text that begins with a space has its sign already. */
    bool has = (n >= s->len && memcmp(p, s->text, s->len) == 0) || p[0] == ' ';
    if (!has && (s->prepend == PREPEND_ALWAYS || (s->prepend == PREPEND_FIRST && first)))
        buf_add(&t, s->text, s->len);
    for (size_t i = 0; i < n; i++)
        if (p[i] == ' ')
            buf_add(&t, s->text, s->len);
        else
            buf_char(&t, p[i]);
    /* U+2581 and its word stay together: the sign belongs to what follows it */
    struct cutter c = { .s = t.data, .first = first, .behaviour = SPLIT_NEXT, .out = out };
    int rc = 0;
    if (s->split)
        rc = cut_pattern(&c, s->pattern, m, t.len, false, err);
    else
        pieces_add(out, t.data, t.len, first);
    buf_free(&t);
    return rc;
}

static int step_piece(const struct step *s, struct matcher *m, const char *p, size_t n, bool first, struct pieces *out, struct err *err)
{
    struct cutter c = { .s = p, .first = first, .behaviour = s->behaviour, .out = out };
    switch (s->kind) {
    case PRE_BYTES:
        return step_bytes(s, m, p, n, first, out, err);
    case PRE_METASPACE:
        return step_metaspace(s, m, p, n, first, out, err);
    case PRE_CLASS:
        cut_class(&c, s->is, n);
        return 0;
    default:
        return cut_pattern(&c, s->pattern, m, n, s->invert, err);
    }
}

int pretokenize(const struct steps *s, struct matcher *m, struct pieces *p, struct pieces *tmp, struct err *err)
{
    for (int i = 0; i < s->n; i++) {
        pieces_clear(tmp);
        for (size_t k = 0; k < p->n; k++) {
            const struct piece *e = &p->piece[k];
            if (step_piece(&s->step[i], m, p->text.data + e->off, e->len, e->first, tmp, err) < 0)
                return -1;
        }
        /* Swapped, not copied: what was written last is the result, the other set is scratch for the next step. */
        struct pieces swap = *p;
        *p = *tmp;
        *tmp = swap;
    }
    return 0;
}

/* ---- what GGUF's tokenizer.ggml.pre stands for ---- */

#define CONTRACTIONS "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CL100K(digits) CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" SPACES
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CASED(tail) "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" tail "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" tail
#define HAN "[\\x{4e00}-\\x{9fa5}\\x{0800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"

const char gpt2_pattern[] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
static const char llama3_pattern[] = CL100K("\\p{N}{1,3}");
static const char qwen2_pattern[] = CL100K("\\p{N}");
static const char tekken_pattern[] = CASED("") "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES;
static const char gpt4o_pattern[] = CASED(CONTRACTIONS "?") "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES;
static const char punct_pattern[] = "[\\p{P}\\$\\+<=>\\^~\\|]+";
static const char falcon_pattern[] = "[\\p{P}\\$\\+<=>\\^~\\|`]+";
static const char deepseek3_pattern[] = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"
                                        " ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES;
/* Code points by number: among them are six that an editor or a file system that normalises would turn into others (U+1F7D, U+1FBE, U+1FD3,
 * U+1FDB, U+2126, U+212A). */
static const char deepseek_letters[] =
    "\\s?[A-Za-z\\x{00b5}\\x{00c0}-\\x{00d6}\\x{00d8}-\\x{00f6}\\x{00f8}-\\x{01ba}\\x{01bc}-\\x{01bf}\\x{01c4}-\\x{0293}"
    "\\x{0295}-\\x{02af}\\x{0370}-\\x{0373}\\x{0376}\\x{0377}\\x{037b}-\\x{037d}\\x{037f}\\x{0386}\\x{0388}-\\x{038a}"
    "\\x{038c}\\x{038e}-\\x{03a1}\\x{03a3}-\\x{03f5}\\x{03f7}-\\x{0481}\\x{048a}-\\x{052f}\\x{0531}-\\x{0556}"
    "\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}"
    "\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{1f15}\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}"
    "\\x{1f50}-\\x{1f57}\\x{1f59}\\x{1f5b}\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}"
    "\\x{1fc2}-\\x{1fc4}\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}\\x{1ff2}-\\x{1ff4}"
    "\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}\\x{2119}-\\x{211d}\\x{2124}\\x{2126}\\x{2128}"
    "\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-\\x{213f}\\x{2145}-\\x{2149}\\x{214e}\\x{2183}\\x{2184}"
    "\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}"
    "\\x{a722}-\\x{a76f}\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}"
    "\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}"
    "\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}\\x{1e900}-\\x{1e943}]+";

enum { NFC = 1, WHOLE_WORDS = 2, ADD_BOS = 4 };

/* Every pattern cuts what the one before left, each match on its own. */
static const struct named {
    const char *names;               /* between blanks */
    int flags;
    const char *pattern[7];
} named[] = {
    {" gpt-2 phi-2 mpt olmo jais gigachat exaone4 trillion granite-docling ", 0, {gpt2_pattern}},
    {" smollm starcoder refact codeshell command-r exaone minerva-7b ", 0, {"\\p{N}", gpt2_pattern}},
    {" llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral lfm2 ", WHOLE_WORDS | ADD_BOS, {llama3_pattern}},
    {" dbrx smaug-bpe chatglm-bpe ", 0, {llama3_pattern}},
    {" glm4 ", WHOLE_WORDS, {llama3_pattern}},
    {" qwen2 deepseek-r1-qwen megrez ", NFC, {qwen2_pattern}},
    {" stablelm2 hunyuan ", 0, {qwen2_pattern}},
    {" tekken ", WHOLE_WORDS | ADD_BOS, {tekken_pattern}},
    {" gpt-4o llama4 ", 0, {gpt4o_pattern}},
    {" deepseek-llm ",
     0,
     {"[\\r\\n]", deepseek_letters, "\\s?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+", "\\s+$",
      HAN, "\\p{N}+"}},
    {" deepseek-coder ", 0, {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", HAN, "\\p{N}"}},
    {" deepseek-v3 hunyuan-dense ", 0, {"\\p{N}{1,3}", "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+", deepseek3_pattern}},
    {" falcon ", 0, {falcon_pattern, gpt2_pattern, "[0-9][0-9][0-9]"}},
    {" default ", 0, {punct_pattern, gpt2_pattern, "\\p{N}+", "[0-9][0-9][0-9]"}},
};
enum { N_NAMED = sizeof(named) / sizeof(named[0]) };

static const struct named *find_named(const char *name)
{
    /* with blanks around it, no name is found inside another ("olmo" in "olmo2") */
    char *key = xasprintf(" %s ", name);
    const struct named *hit = NULL;
    for (int i = 0; i < N_NAMED && !hit; i++)
        if (strstr(named[i].names, key))
            hit = &named[i];
    free(key);
    return hit;
}

static int unknown_name(const char *name, struct err *err)
{
    struct buf list = { 0 };
    for (int i = 0; i < N_NAMED; i++)
        buf_add(&list, named[i].names, strlen(named[i].names) - 1);
    err_set(err, ERR_MODEL, "tokenizer.ggml.pre: unknown pre-tokenizer \"%.40s\"; use a model with one of:%s", name, list.data);
    buf_free(&list);
    return -1;
}

int pretok_named(struct slice name, struct steps *norm, struct steps *pre, bool *ignore_merges, bool *add_bos, struct err *err)
{
    /* Files from before the key mean llama.cpp's "default", which is no family's own pattern: better than none, and what llama.cpp does. */
    char *s = name.ptr ? xstrndup(name.ptr, name.len) : xstrdup("default");
    const struct named *e = *s && !strchr(s, ' ') ? find_named(s) : NULL;
    int rc = e ? 0 : unknown_name(s, err);
    free(s);
    if (rc < 0)
        return rc;
    if (e->flags & NFC)
        steps_add(norm, NORM_FORM)->form = FORM_NFC;
    /* GGUF files do not carry ignore_merges: it goes by the name, as in llama.cpp. */
    *ignore_merges = e->flags & WHOLE_WORDS;
    *add_bos = e->flags & ADD_BOS;
    for (int i = 0; e->pattern[i]; i++) {
        struct step *step = steps_add(pre, PRE_SPLIT);
        step->pattern = pattern_create(e->pattern[i], strlen(e->pattern[i]), false, err);
        if (!step->pattern)
            return -1;
    }
    steps_add(pre, PRE_BYTES);
    return 0;
}
