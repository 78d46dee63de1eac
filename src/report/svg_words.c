/* svg_words.c - words in a picture: which characters may stand there, how wide they are, where they are cut. */
#include "svg.h"

#include "mtbench/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { REPLACEMENT = 0xfffd, ELLIPSIS = 0x2026, MOST_ACCENTS = 2 };

/* Thousandths of the letters' size, from U+0020 to U+007E: the wider one of Arial's and DejaVu Sans's advances. */
static const uint16_t advance[95] = {
    318, 401, 460, 838, 636, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337,      /* blank to / */
    637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337, 337, 838, 838, 838, 556,      /* 0 to ? */
    1016, 685, 687, 723, 771, 668, 612, 779, 752, 295, 500, 668, 558, 863, 749, 788,     /* @ to O */
    668, 788, 723, 668, 612, 732, 685, 989, 686, 668, 686, 391, 337, 391, 838, 557,      /* P to _ */
    500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612,      /* ` to o */
    635, 635, 412, 522, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838            /* p to ~ */
};

/* The next character and its bytes; U+FFFD for a byte that begins none. 0 at the end. */
static int32_t next(const char *at, size_t *bytes)
{
    utf8proc_int32_t c = -1;
    const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)at, -1, &c);
    *bytes = n > 0 ? (size_t)n : 1;
    return !*at ? 0 : n > 0 && c >= 0 ? c : REPLACEMENT;
}

/* ---- which characters ---- */

static bool is_accent(int32_t c)
{
    const utf8proc_category_t k = utf8proc_category(c);
    return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME;
}

/* Those that turn or hide their neighbours, break lines, mean nothing to anybody, or are forbidden in XML. Joiners stay: families of emoji
 * and several scripts need them. */
static bool is_unfit(int32_t c)
{
    const utf8proc_category_t k = utf8proc_category(c);
    if (c == 0x200c || c == 0x200d)
        return false;
    return k == UTF8PROC_CATEGORY_CC || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_CS || k == UTF8PROC_CATEGORY_CO ||
           k == UTF8PROC_CATEGORY_CN || k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP;
}

static int32_t fit_for_line(int32_t c)
{
    if (c < 0x20)
        return 0x2400 + c;               /* the picture of a control character: seen, and without effect */
    if (c == 0x7f)
        return 0x2421;
    return is_unfit(c) ? REPLACEMENT : c;
}

static void put(struct buf *b, int32_t c)
{
    utf8proc_uint8_t bytes[4];
    buf_add(b, bytes, (size_t)utf8proc_encode_char(c, bytes));
}

char *svg_clean(const char *words)
{
    struct buf b = {0};
    int accents = 0;
    size_t bytes;
    for (int32_t c; (c = next(words, &bytes)) != 0; words += bytes) {
        accents = is_accent(c) ? accents + 1 : 0;
        if (accents <= MOST_ACCENTS)     /* more of them pile up over the lines above */
            put(&b, fit_for_line(c));
    }
    return buf_steal(&b);
}

static bool put_escape(struct buf *b, int32_t c)
{
    const char *as = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : c == '\'' ? "&#39;" : NULL;
    if (as)
        buf_str(b, as);
    return as != NULL;
}

void svg_escape(struct buf *b, const char *words)
{
    char *clean = svg_clean(words);
    size_t bytes;
    const char *at = clean;
    for (int32_t c; (c = next(at, &bytes)) != 0; at += bytes)
        if (!put_escape(b, c))
            put(b, c);
    free(clean);
}

void svg_escape_exact(struct buf *b, const char *words)
{
    size_t bytes;
    for (int32_t c; (c = next(words, &bytes)) != 0; words += bytes) {
        const bool forbidden = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff;
        if (forbidden)
            put(b, REPLACEMENT);
        else if (is_unfit(c))
            buf_printf(b, "&#x%x;", (unsigned)c); /* whoever reads the file as text is not misled either */
        else if (!put_escape(b, c))
            put(b, c);
    }
}

/* ---- how wide ---- */

/* In thousandths. No font is asked: what no table knows is taken as the widest of its kind. */
static int advance_of(int32_t c)
{
    if (c >= 0x20 && c < 0x7f)
        return advance[c - 0x20];
    if (is_accent(c) || c == 0x200c || c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f)) /* variation selectors, too */
        return 0;
    if (c == 0xfdfa || c == 0xfdfb || c == 0xfdfd)  /* whole sentences as one ligature */
        return 12000;
    if ((c >= 0x12000 && c <= 0x1254f) || c == 0x2e3a || c == 0x2e3b) /* cuneiform; dashes of two and three ems */
        return 4500;
    if (c >= 0x1f000 || (c >= 0x2600 && c <= 0x27bf)) /* emoji, also where their font has no narrow form */
        return 1400;
    return utf8proc_charwidth(c) > 1 ? 1050 : 1100;
}

double svg_text_width(const char *words, double size)
{
    long sum = 0;
    size_t bytes;
    for (int32_t c; (c = next(words, &bytes)) != 0; words += bytes)
        sum += advance_of(c);
    return (double)sum * size / 1000;
}

/* ---- cut ---- */

/* What people see as letters: where each begins, and the bytes before the end. Returns how many; start[n] is the end. */
static int letters(const char *words, size_t *start)
{
    utf8proc_int32_t state = 0;
    size_t bytes;
    int n = 0;
    int32_t before = 0;
    const char *at = words;
    for (int32_t c; (c = next(at, &bytes)) != 0; at += bytes, before = c)
        if (!before || utf8proc_grapheme_break_stateful(before, c, &state))
            start[n++] = (size_t)(at - words);
    start[n] = (size_t)(at - words);
    return n;
}

static double width_between(const char *words, size_t from, size_t to, double size)
{
    char *piece = xstrndup(words + from, to - from);
    const double w = svg_text_width(piece, size);
    free(piece);
    return w;
}

char *svg_fit(const char *words, double size, double most)
{
    static const char dots[] = "\xe2\x80\xa6";
    char *clean = svg_clean(words);
    if (svg_text_width(clean, size) <= most)
        return clean;
    size_t *start = xcalloc(strlen(clean) + 1, sizeof *start);
    const int n = letters(clean, start);
    double left = most - svg_text_width(dots, size);
    int head = 0, tail = n;
    /* From both ends in turn, until the next letter of either has no room. */
    for (bool front = true, stuck = false; head < tail; front = !front) {
        const double w = front ? width_between(clean, start[head], start[head + 1], size)
                               : width_between(clean, start[tail - 1], start[tail], size);
        if (w > left && stuck)
            break;
        stuck = w > left;
        if (stuck)
            continue;
        left -= w;
        head += front;
        tail -= !front;
    }
    char *cut = xasprintf("%.*s%s%s", (int)start[head], clean, dots, clean + start[tail]);
    free(start);
    free(clean);
    return cut;
}

size_t svg_line_of(const char *words, double size, double most)
{
    size_t *start = xcalloc(strlen(words) + 1, sizeof *start), end = 0;
    const int n = letters(words, start);
    double w = 0;
    int i = 0, blank = -1;
    for (; i < n; i++) {
        w += width_between(words, start[i], start[i + 1], size);
        if (w > most && i > 0)
            break;
        if (words[start[i]] == ' ')
            blank = i;
    }
    if (i == n)
        end = start[n];
    else
        end = blank > 0 ? start[blank] : start[i]; /* the blank itself is the next line's to pass over */
    free(start);
    return end;
}
