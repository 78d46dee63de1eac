/* template_chars.c - what Python's str says about characters, and their case mappings. Classes and simple mappings are utf8proc's; the
 * tables hold what it lacks: SpecialCasing.txt's letters that become several, Other_Lowercase, Other_Uppercase, digits that are no
 * decimals. */
#include "template_priv.h"
#include "unicode.h"

#include <string.h>
#include <utf8proc.h>

/* ---- classes ---- */

struct range { uint32_t first, last; }; /* both included; 0 ends a table */

/* Other_Lowercase of Unicode's PropList.txt: small by form (superscripts, ordinals, Roman numerals) although of another category. */
static const struct range other_lower[] = {
    { 0xaa, 0xaa }, { 0xba, 0xba }, { 0x2b0, 0x2b8 }, { 0x2c0, 0x2c1 }, { 0x2e0, 0x2e4 }, { 0x345, 0x345 }, { 0x37a, 0x37a },
    { 0x1d2c, 0x1d6a },
    { 0x1d78, 0x1d78 }, { 0x1d9b, 0x1dbf }, { 0x2071, 0x2071 }, { 0x207f, 0x207f }, { 0x2090, 0x209c }, { 0x2170, 0x217f },
    { 0x24d0, 0x24e9 },
    { 0x2c7c, 0x2c7d }, { 0xa69c, 0xa69d }, { 0xa770, 0xa770 }, { 0xa7f8, 0xa7f9 }, { 0xab5c, 0xab5f }, { 0x10780, 0x10780 },
    { 0x10783, 0x10785 },
    { 0x10787, 0x107b0 }, { 0x107b2, 0x107ba }, { 0, 0 },
};
/* Other_Uppercase: Roman numerals, letters in circles and squares. */
static const struct range other_upper[] = {
    { 0x2160, 0x216f }, { 0x24b6, 0x24cf }, { 0x1f130, 0x1f149 }, { 0x1f150, 0x1f169 }, { 0x1f170, 0x1f189 }, { 0, 0 },
};
/* Numeric_Type=Digit: str.isdigit() holds, str.isdecimal() does not, and int() takes none of them. */
static const struct range other_digit[] = {
    { 0xb2, 0xb3 }, { 0xb9, 0xb9 }, { 0x1369, 0x1371 }, { 0x19da, 0x19da }, { 0x2070, 0x2070 }, { 0x2074, 0x2079 }, { 0x2080, 0x2089 },
    { 0x2460, 0x2468 }, { 0x2474, 0x247c }, { 0x2488, 0x2490 }, { 0x24ea, 0x24ea }, { 0x24f5, 0x24fd }, { 0x24ff, 0x24ff },
    { 0x2776, 0x277e },
    { 0x2780, 0x2788 }, { 0x278a, 0x2792 }, { 0x10a40, 0x10a43 }, { 0x10e60, 0x10e68 }, { 0x11052, 0x1105a }, { 0x1f100, 0x1f10a },
    { 0, 0 },
};

static bool in_ranges(const struct range *r, uint32_t c)
{
    for (; r->last; r++)
        if (c >= r->first && c <= r->last)
            return true;
    return false;
}

static utf8proc_category_t category(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

bool char_space(uint32_t c)
{
    return uc_is_python_space(c);
}

bool char_alpha(uint32_t c)
{
    /* utf8proc's categories are in Unicode's order, so that letters are one interval: Lu Ll Lt Lm Lo. */
    utf8proc_category_t k = category(c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool char_alnum(uint32_t c)
{
    utf8proc_category_t k = category(c);
    /* Nd Nl No: Python's isalnum() takes whatever isalpha(), isdecimal(), isdigit() or isnumeric() takes. */
    return char_alpha(c) || (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

bool char_decimal(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_ND;
}

bool char_digit(uint32_t c)
{
    return char_decimal(c) || in_ranges(other_digit, c);
}

bool char_lower(uint32_t c)
{
    /* ASCII first: these are asked once per character of every text, and the tables are searched one by one. */
    return c < 0x80 ? c >= 'a' && c <= 'z' : category(c) == UTF8PROC_CATEGORY_LL || in_ranges(other_lower, c);
}

bool char_upper(uint32_t c)
{
    return c < 0x80 ? c >= 'A' && c <= 'Z' : category(c) == UTF8PROC_CATEGORY_LU || in_ranges(other_upper, c);
}

bool char_title(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_LT;
}

bool char_printable(uint32_t c)
{
    utf8proc_category_t k = category(c);
    /* All letters, marks, numbers, punctuation and symbols; of the separators the blank alone. repr() escapes the rest. */
    return c == ' ' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_SO);
}

/* ---- case ---- */

/* SpecialCasing.txt without its conditions: what upper() and title() make of one letter where that is more than one, or where the two
 * differ. In order of code points, searched from the front. */
static const struct {
    uint32_t c, upper[3], title[3];
} special[] = {
    { 0xdf, { 0x53, 0x53 }, { 0x53, 0x73 } }, { 0x149, { 0x2bc, 0x4e }, { 0x2bc, 0x4e } }, { 0x1f0, { 0x4a, 0x30c }, { 0x4a, 0x30c } },
    { 0x390, { 0x399, 0x308, 0x301 }, { 0x399, 0x308, 0x301 } }, { 0x3b0, { 0x3a5, 0x308, 0x301 }, { 0x3a5, 0x308, 0x301 } },
    { 0x587, { 0x535, 0x552 }, { 0x535, 0x582 } }, { 0x1e96, { 0x48, 0x331 }, { 0x48, 0x331 } },
    { 0x1e97, { 0x54, 0x308 }, { 0x54, 0x308 } }, { 0x1e98, { 0x57, 0x30a }, { 0x57, 0x30a } },
    { 0x1e99, { 0x59, 0x30a }, { 0x59, 0x30a } }, { 0x1e9a, { 0x41, 0x2be }, { 0x41, 0x2be } },
    { 0x1f50, { 0x3a5, 0x313 }, { 0x3a5, 0x313 } }, { 0x1f52, { 0x3a5, 0x313, 0x300 }, { 0x3a5, 0x313, 0x300 } },
    { 0x1f54, { 0x3a5, 0x313, 0x301 }, { 0x3a5, 0x313, 0x301 } }, { 0x1f56, { 0x3a5, 0x313, 0x342 }, { 0x3a5, 0x313, 0x342 } },
    { 0x1f80, { 0x1f08, 0x399 }, { 0x1f88 } }, { 0x1f81, { 0x1f09, 0x399 }, { 0x1f89 } }, { 0x1f82, { 0x1f0a, 0x399 }, { 0x1f8a } },
    { 0x1f83, { 0x1f0b, 0x399 }, { 0x1f8b } }, { 0x1f84, { 0x1f0c, 0x399 }, { 0x1f8c } }, { 0x1f85, { 0x1f0d, 0x399 }, { 0x1f8d } },
    { 0x1f86, { 0x1f0e, 0x399 }, { 0x1f8e } }, { 0x1f87, { 0x1f0f, 0x399 }, { 0x1f8f } }, { 0x1f88, { 0x1f08, 0x399 }, { 0x1f88 } },
    { 0x1f89, { 0x1f09, 0x399 }, { 0x1f89 } }, { 0x1f8a, { 0x1f0a, 0x399 }, { 0x1f8a } }, { 0x1f8b, { 0x1f0b, 0x399 }, { 0x1f8b } },
    { 0x1f8c, { 0x1f0c, 0x399 }, { 0x1f8c } }, { 0x1f8d, { 0x1f0d, 0x399 }, { 0x1f8d } }, { 0x1f8e, { 0x1f0e, 0x399 }, { 0x1f8e } },
    { 0x1f8f, { 0x1f0f, 0x399 }, { 0x1f8f } }, { 0x1f90, { 0x1f28, 0x399 }, { 0x1f98 } }, { 0x1f91, { 0x1f29, 0x399 }, { 0x1f99 } },
    { 0x1f92, { 0x1f2a, 0x399 }, { 0x1f9a } }, { 0x1f93, { 0x1f2b, 0x399 }, { 0x1f9b } }, { 0x1f94, { 0x1f2c, 0x399 }, { 0x1f9c } },
    { 0x1f95, { 0x1f2d, 0x399 }, { 0x1f9d } }, { 0x1f96, { 0x1f2e, 0x399 }, { 0x1f9e } }, { 0x1f97, { 0x1f2f, 0x399 }, { 0x1f9f } },
    { 0x1f98, { 0x1f28, 0x399 }, { 0x1f98 } }, { 0x1f99, { 0x1f29, 0x399 }, { 0x1f99 } }, { 0x1f9a, { 0x1f2a, 0x399 }, { 0x1f9a } },
    { 0x1f9b, { 0x1f2b, 0x399 }, { 0x1f9b } }, { 0x1f9c, { 0x1f2c, 0x399 }, { 0x1f9c } }, { 0x1f9d, { 0x1f2d, 0x399 }, { 0x1f9d } },
    { 0x1f9e, { 0x1f2e, 0x399 }, { 0x1f9e } }, { 0x1f9f, { 0x1f2f, 0x399 }, { 0x1f9f } }, { 0x1fa0, { 0x1f68, 0x399 }, { 0x1fa8 } },
    { 0x1fa1, { 0x1f69, 0x399 }, { 0x1fa9 } }, { 0x1fa2, { 0x1f6a, 0x399 }, { 0x1faa } }, { 0x1fa3, { 0x1f6b, 0x399 }, { 0x1fab } },
    { 0x1fa4, { 0x1f6c, 0x399 }, { 0x1fac } }, { 0x1fa5, { 0x1f6d, 0x399 }, { 0x1fad } }, { 0x1fa6, { 0x1f6e, 0x399 }, { 0x1fae } },
    { 0x1fa7, { 0x1f6f, 0x399 }, { 0x1faf } }, { 0x1fa8, { 0x1f68, 0x399 }, { 0x1fa8 } }, { 0x1fa9, { 0x1f69, 0x399 }, { 0x1fa9 } },
    { 0x1faa, { 0x1f6a, 0x399 }, { 0x1faa } }, { 0x1fab, { 0x1f6b, 0x399 }, { 0x1fab } }, { 0x1fac, { 0x1f6c, 0x399 }, { 0x1fac } },
    { 0x1fad, { 0x1f6d, 0x399 }, { 0x1fad } }, { 0x1fae, { 0x1f6e, 0x399 }, { 0x1fae } }, { 0x1faf, { 0x1f6f, 0x399 }, { 0x1faf } },
    { 0x1fb2, { 0x1fba, 0x399 }, { 0x1fba, 0x345 } }, { 0x1fb3, { 0x391, 0x399 }, { 0x1fbc } },
    { 0x1fb4, { 0x386, 0x399 }, { 0x386, 0x345 } }, { 0x1fb6, { 0x391, 0x342 }, { 0x391, 0x342 } },
    { 0x1fb7, { 0x391, 0x342, 0x399 }, { 0x391, 0x342, 0x345 } }, { 0x1fbc, { 0x391, 0x399 }, { 0x1fbc } },
    { 0x1fc2, { 0x1fca, 0x399 }, { 0x1fca, 0x345 } }, { 0x1fc3, { 0x397, 0x399 }, { 0x1fcc } },
    { 0x1fc4, { 0x389, 0x399 }, { 0x389, 0x345 } }, { 0x1fc6, { 0x397, 0x342 }, { 0x397, 0x342 } },
    { 0x1fc7, { 0x397, 0x342, 0x399 }, { 0x397, 0x342, 0x345 } }, { 0x1fcc, { 0x397, 0x399 }, { 0x1fcc } },
    { 0x1fd2, { 0x399, 0x308, 0x300 }, { 0x399, 0x308, 0x300 } }, { 0x1fd3, { 0x399, 0x308, 0x301 }, { 0x399, 0x308, 0x301 } },
    { 0x1fd6, { 0x399, 0x342 }, { 0x399, 0x342 } }, { 0x1fd7, { 0x399, 0x308, 0x342 }, { 0x399, 0x308, 0x342 } },
    { 0x1fe2, { 0x3a5, 0x308, 0x300 }, { 0x3a5, 0x308, 0x300 } }, { 0x1fe3, { 0x3a5, 0x308, 0x301 }, { 0x3a5, 0x308, 0x301 } },
    { 0x1fe4, { 0x3a1, 0x313 }, { 0x3a1, 0x313 } }, { 0x1fe6, { 0x3a5, 0x342 }, { 0x3a5, 0x342 } },
    { 0x1fe7, { 0x3a5, 0x308, 0x342 }, { 0x3a5, 0x308, 0x342 } }, { 0x1ff2, { 0x1ffa, 0x399 }, { 0x1ffa, 0x345 } },
    { 0x1ff3, { 0x3a9, 0x399 }, { 0x1ffc } }, { 0x1ff4, { 0x38f, 0x399 }, { 0x38f, 0x345 } },
    { 0x1ff6, { 0x3a9, 0x342 }, { 0x3a9, 0x342 } }, { 0x1ff7, { 0x3a9, 0x342, 0x399 }, { 0x3a9, 0x342, 0x345 } },
    { 0x1ffc, { 0x3a9, 0x399 }, { 0x1ffc } }, { 0xfb00, { 0x46, 0x46 }, { 0x46, 0x66 } }, { 0xfb01, { 0x46, 0x49 }, { 0x46, 0x69 } },
    { 0xfb02, { 0x46, 0x4c }, { 0x46, 0x6c } }, { 0xfb03, { 0x46, 0x46, 0x49 }, { 0x46, 0x66, 0x69 } },
    { 0xfb04, { 0x46, 0x46, 0x4c }, { 0x46, 0x66, 0x6c } }, { 0xfb05, { 0x53, 0x54 }, { 0x53, 0x74 } },
    { 0xfb06, { 0x53, 0x54 }, { 0x53, 0x74 } }, { 0xfb13, { 0x544, 0x546 }, { 0x544, 0x576 } },
    { 0xfb14, { 0x544, 0x535 }, { 0x544, 0x565 } }, { 0xfb15, { 0x544, 0x53b }, { 0x544, 0x56b } },
    { 0xfb16, { 0x54e, 0x546 }, { 0x54e, 0x576 } }, { 0xfb17, { 0x544, 0x53d }, { 0x544, 0x56d } },
};

static void put_all(struct buf *b, const uint32_t c[3])
{
    for (int i = 0; i < 3 && c[i]; i++)
        char_put(b, c[i]);
}

static void put_upper(struct buf *b, uint32_t c, bool title)
{
    /* Letters that become several are looked up before utf8proc, which maps one to one. */
    for (size_t i = 0; c > 0x7f && i < sizeof special / sizeof *special; i++) {
        if (special[i].c == c) {
            put_all(b, title ? special[i].title : special[i].upper);
            return;
        }
    }
    /* utf8proc maps one to one, which is UnicodeData.txt's column; NUL is mapped to itself and spelled C0 80 by char_put(). */
    char_put(b, (uint32_t)(title ? utf8proc_totitle((utf8proc_int32_t)c) : utf8proc_toupper((utf8proc_int32_t)c)));
}

static bool cased(uint32_t c)
{
    /* Unicode's Cased, by which Python's title() finds the first letter of a word. */
    return char_lower(c) || char_upper(c) || char_title(c);
}

/* Unicode's Case_Ignorable: marks, modifiers and the apostrophes and dots inside words. */
static bool ignorable(uint32_t c)
{
    static const uint32_t inside[] = { '\'', '.', ':', 0xb7, 0x387, 0x55f, 0x5f4, 0x2018, 0x2019, 0x2024, 0x2027, 0xfe13, 0xfe52,
            0xfe55, 0xff07, 0xff0e, 0xff1a };
    utf8proc_category_t k = category(c);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (c == inside[i])
            return true;
    /* Case_Ignorable is defined as these categories and the marks above. */
    return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_ME || k == UTF8PROC_CATEGORY_CF || k == UTF8PROC_CATEGORY_LM ||
            k == UTF8PROC_CATEGORY_SK;
}

/* A capital sigma at s[i] ends its word: a cased letter before it, none behind. */
static bool final_sigma(struct slice s, size_t i)
{
    bool before = false;
    size_t n;
    for (size_t k = 0; k < i; k += n) {
        uint32_t c = char_at(s, k, &n);
        before = ignorable(c) ? before : cased(c); /* the last letter that counts decides */
    }
    for (size_t k = i + 2; before && k < s.len; k += n) { /* U+03A3 has two bytes */
        uint32_t c = char_at(s, k, &n);
        if (!ignorable(c))
            return !cased(c);
    }
    return before;
}

static void put_lower(struct eval *e, struct buf *b, struct slice s, size_t i, uint32_t c)
{
    if (c == 0x130) {                    /* the only letter whose lower case is two */
        char_put(b, 'i');
        char_put(b, 0x307);
    /* Final_Sigma is the one condition of SpecialCasing.txt that str.lower() knows; it asks no language. */
    } else if (c == 0x3a3) {
        /* The whole text is looked at for each sigma: a text of nothing else would cost its square uncounted. */
        work_charge(e->w, s.len / 8);
        char_put(b, final_sigma(s, i) ? 0x3c2 : 0x3c3);
    } else {
        char_put(b, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
    }
}

/* Does jinja2's title filter begin a word behind this character? */
static bool word_break(uint32_t c)
{
    /* jinja2 splits at [-\s({\[<]+ and not where letters end, so that "they're" has one capital. strchr() would find the NUL, too. */
    return char_space(c) || (c && c < 0x80 && strchr("-({[<", (int)c));
}

struct slice text_case(struct eval *e, struct slice s, enum letter_case how)
{
    struct buf *b = work_buf(e->w);
    bool start = true;
    work_charge(e->w, s.len / 16);
    size_t word = 0;                     /* what a small letter's surroundings begin with, which a sigma can tell */
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t c = char_at(s, i, &n);
        /* jinja2's title filter begins words with upper(), Python's title() and capitalize() with the titlecase letter: they differ
         * for "dz" in one letter. */
        if (how == UPPER || (how == SWAP && char_lower(c)) || (how == WORDS && start))
            put_upper(b, c, false);
        else if ((how == TITLE || how == CAPITALIZE) && start)
            put_upper(b, c, true);
        else if (how == SWAP && !char_upper(c))
            buf_add(b, s.ptr + i, n);
        else
            put_lower(e, b, (struct slice){ s.ptr + word, s.len - word }, i - word, c);
        word = how == WORDS && start ? i + n : word;       /* jinja2's is item[0].upper() + item[1:].lower() */
        start = how == TITLE ? !cased(c) : how == WORDS ? word_break(c) : false;
    }
    return work_take(e->w, b);
}

struct slice text_casefold(struct eval *e, struct slice s)
{
    struct buf *b = work_buf(e->w);
    work_charge(e->w, s.len / 4);
    for (size_t i = 0, n; i < s.len; i += n) {
        utf8proc_int32_t out[8];
        int last = UTF8PROC_BOUNDCLASS_START;
        uint32_t c = char_at(s, i, &n);
        utf8proc_ssize_t k = utf8proc_decompose_char((utf8proc_int32_t)c, out, 8, UTF8PROC_CASEFOLD, &last);
        for (utf8proc_ssize_t j = 0; j < k && k <= 8; j++) /* no letter folds into more than three */
            char_put(b, (uint32_t)out[j]);
    }
    return work_take(e->w, b);
}
