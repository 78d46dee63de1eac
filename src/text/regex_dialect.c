/* regex_dialect.c - Oniguruma's patterns in PCRE2's words. Both read the same symbols; where they mean other things by them (\h, \v, \w,
 * \b, an interval with a plus, classes within classes, scripts, (?m)), the meaning is spelt out, and what cannot be spelt out is refused: a
 * pattern that is almost right cuts texts into other tokens without a word. A class that PCRE2 has no words for becomes a group that
 * matches one character: a union is an alternation, an intersection a look ahead. */
#include "regex_dialect.h"

#include "mtbench/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

/* Bare, for use inside a class. PCRE2's own \s has U+180E, its \w has no marks. Oniguruma's \w has all numbers where it stands alone, but
 * only decimal digits where it is a member of a class. */
static const char space_set[] = "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";
static const char word_set[] = "\\p{Alphabetic}\\p{M}\\p{N}\\p{Pc}", word_member[] = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
static const char hex_set[] = "0-9a-fA-F";

static const struct { const char *name, *set; } posix[] = {
    { "alpha", "\\p{Alphabetic}" }, { "digit", "\\p{Nd}" }, { "alnum", "\\p{Alphabetic}\\p{Nd}" }, { "upper", "\\p{Uppercase}" },
    { "lower", "\\p{Lowercase}" }, { "space", space_set }, { "word", word_member }, { "xdigit", hex_set }, { "cntrl", "\\p{Cc}" },
    { "blank", "\\p{Zs}\\t" }, { "punct", "\\p{P}\\p{S}" }, { "ascii", "\\x00-\\x7f" },
};

/* Long names of general categories, and Oniguruma's POSIX names as properties. */
static const struct { const char *name, *property;
} property_name[] = {
    {"Letter", "L"}, {"Mark", "M"},           {"Number", "N"}, {"Punctuation", "P"},   {"Symbol", "S"},        {"Separator", "Z"},
    {"Other", "C"},  {"Alpha", "Alphabetic"}, {"Digit", "Nd"}, {"Upper", "Uppercase"}, {"Lower", "Lowercase"}, {"Cntrl", "Cc"},
};

struct reader {
    const char *s;
    size_t n, at;
    int depth;
    struct err *err;
};

static int refuse(struct reader *r, const char *what, size_t from)
{
    /* the part that cannot be said, quoted for who must change it */
    size_t n = r->at > from ? r->at - from : 1;
    return err_set(r->err, ERR_MODEL, "pattern %.*s: %s %.*s at byte %zu is not supported", r->n < 120 ? (int)r->n : 120, r->s, what,
                   n < 24 ? (int)n : 24, r->s + from, from);
}

static bool ahead(const struct reader *r, const char *word)
{
    const size_t n = strlen(word);
    return r->n - r->at >= n && !memcmp(r->s + r->at, word, n);
}

/* ---- escapes ---- */

static bool is_script(const char *name, size_t n)
{
    /* PCRE2 knows its scripts; asking it keeps no second list that would age. */
    char *p = xasprintf("\\p{sc:%.*s}", (int)n, name);
    int code;
    PCRE2_SIZE at;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)p, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &code, &at, NULL);
    pcre2_code_free(re);
    free(p);
    return re != NULL;
}

/* \p{..} or \P{..}: a script means the script alone, where PCRE2 by itself would take the script's extensions too. */
static int property(struct reader *r, struct buf *out)
{
    const size_t from = r->at - 2;
    bool negated = r->s[r->at - 1] == 'P';
    if (r->at == r->n || r->s[r->at] != '{')
        return refuse(r, "a property without braces,", from);
    const char *name = r->s + r->at + 1, *end = memchr(name, '}', r->n - r->at - 1);
    if (!end)
        return refuse(r, "a property without its end,", from);
    r->at = (size_t)(end - r->s) + 1;
    /* \p{^L} is \P{L}; \P{^L} is \p{L} again */
    if (name < end && *name == '^') {
        negated = !negated;
        name++;
    }
    const char *known = NULL;
    /* Oniguruma compares names without regard to case */
    for (size_t i = 0; i < sizeof property_name / sizeof *property_name; i++)
        if (strlen(property_name[i].name) == (size_t)(end - name) && !strncasecmp(name, property_name[i].name, (size_t)(end - name)))
            known = property_name[i].property;
    /* POSIX names as properties mean other sets than the brackets' and are in no tokenizer that was seen. */
    for (size_t i = 0; !known && i < sizeof posix / sizeof *posix; i++)
        if (strlen(posix[i].name) == (size_t)(end - name) && !strncasecmp(name, posix[i].name, (size_t)(end - name)))
            return refuse(r, "the property", from);
    if (known)
        buf_printf(out, "\\%c{%s}", negated ? 'P' : 'p', known);
    else
        buf_printf(out, "\\%c{%s%.*s}", negated ? 'P' : 'p', is_script(name, (size_t)(end - name)) ? "sc:" : "", (int)(end - name), name);
    return 0;
}

/* The set that a class escape stands for; NULL: it is none. */
static const char *set_of(char c, bool inside)
{
    switch (tolower((unsigned char)c)) {
    /* each of these differs from PCRE2's own escape in some characters */
    case 's': return space_set;
    case 'w': return inside ? word_member : word_set;
    case 'h': return hex_set;
    case 'd': return "\\p{Nd}";
    default: return NULL;
    }
}

/* A character by its number: \xHH, \x{H..}, \uHHHH. */
static int by_number(struct reader *r, char kind, struct buf *out)
{
    const size_t from = r->at - 2;
    /* \x takes up to two digits, \u exactly four */
    size_t most = kind == 'u' ? 4 : 2, digits = 0;
    /* both dialects read \x{...} alike */
    if (kind == 'x' && r->at < r->n && r->s[r->at] == '{') {
        const char *end = memchr(r->s + r->at, '}', r->n - r->at);
        if (!end)
            return refuse(r, "a number without its end,", from);
        buf_printf(out, "\\x%.*s", (int)(end + 1 - (r->s + r->at)), r->s + r->at);
        r->at = (size_t)(end - r->s) + 1;
        return 0;
    }
    while (digits < most && r->at + digits < r->n && isxdigit((unsigned char)r->s[r->at + digits]))
        digits++;
    if (digits == 0 || (kind == 'u' && digits < 4) || (kind == 'x' && digits == 2 && r->s[r->at] >= '8'))
        return refuse(r, "the character", from);         /* \x80 and above are bytes to Oniguruma, not characters */
    buf_printf(out, "\\x{%.*s}", (int)digits, r->s + r->at);
    r->at += digits;
    return 0;
}

/* An escape that means one character, or a property, the same inside a class and outside. 'c' is behind the backslash and has been read. */
static int plain_escape(struct reader *r, char c, struct buf *out)
{
    switch (c) {
    case 'p': case 'P':
        return property(r, out);
    case 'x': case 'u':
        return by_number(r, c, out);
    case 'v':
        /* a vertical tab; to PCRE2 \v is any vertical space */
        buf_str(out, "\\x0b");
        return 0;
    case 't': case 'n': case 'r': case 'f': case 'a': case 'e':
        buf_printf(out, "\\%c", c);
        return 0;
    default:
        /* A letter that means nothing here may mean something there (\K, \X, \N): refused. */
        if (isalnum((unsigned char)c))
            return refuse(r, "the escape", r->at - 2);
        if ((unsigned char)c < 0x80)
            buf_char(out, '\\');                         /* a sign that is not ASCII needs no escape, and PCRE2 would see one byte of it */
        buf_char(out, c);
        return 0;
    }
}

/* ---- classes ---- */

static int class(struct reader *r, struct buf *out);

/* [:alpha:], behind the bracket; 1: read, 0: it is none. */
static int posix_class(struct reader *r, struct buf *simple, struct buf *others)
{
    const size_t from = r->at;
    /* "[:" without ":]" are two members */
    const char *end = memmem(r->s + r->at, r->n - r->at, ":]", 2);
    if (!ahead(r, "[:") || !end)
        return 0;
    const char *name = r->s + r->at + 2;
    const bool negated = *name == '^';
    name += negated;
    r->at = (size_t)(end - r->s) + 2;
    for (size_t i = 0; i < sizeof posix / sizeof *posix; i++) {
        if (strlen(posix[i].name) != (size_t)(end - name) || memcmp(name, posix[i].name, (size_t)(end - name)))
            continue;
        /* a complement cannot stand between plain members: it becomes an alternative */
        if (negated)
            buf_printf(others, "|[^%s]", posix[i].set);
        else
            buf_str(simple, posix[i].set);
        return 1;
    }
    return refuse(r, "the class", from) < 0 ? -1 : 1;
}

/* One member of a class: into 'simple', what stands between plain brackets, or as "|alternative" into 'others'. */
static int member(struct reader *r, struct buf *simple, struct buf *others)
{
    char c = r->s[r->at];
    if (c == '[') {
        const int known = posix_class(r, simple, others);
        if (known)
            return known < 0 ? -1 : 0;
        buf_char(others, '|');
        return class(r, others);
    }
    r->at++;
    if (c != '\\') {
        /* PCRE2 would take "[^" as a complement and "[:" as a POSIX name */
        if (c == '^' || c == '[')
            buf_char(simple, '\\');
        buf_char(simple, c);
        return 0;
    }
    if (r->at == r->n)
        return refuse(r, "a backslash at the end,", r->at - 1);
    c = r->s[r->at++];
    const char *set = set_of(c, true);
    if (!set) {
        if (c == 'b') {                                  /* a backspace, in a class */
            buf_str(simple, "\\x08");
            return 0;
        }
        return plain_escape(r, c, simple);
    }
    /* \s joins the members, \S becomes an alternative */
    if (islower((unsigned char)c))
        buf_str(simple, set);
    else
        buf_printf(others, "|[^%s]", set);
    return 0;
}

/* The members up to ']' or '&&', as a pattern for one character. 'first': right behind the opening bracket. */
static int operand(struct reader *r, bool first, struct buf *out)
{
    struct buf simple = { 0 }, others = { 0 };
    int rc = 0;
    for (; rc == 0 && r->at < r->n && !ahead(r, "&&") && (r->s[r->at] != ']' || first); first = false) {
        if (first && r->s[r->at] == ']') {               /* a bracket in first place is a member */
            buf_str(&simple, "\\]");
            r->at++;
        } else {
            rc = member(r, &simple, &others);
        }
    }
    /* [^] and [&&a]: Oniguruma takes an empty class as one that nothing is in */
    if (!simple.len && !others.len)
        buf_str(out, "(?!)");                            /* nothing is in it */
    else if (!others.len)
        buf_printf(out, "[%s]", simple.data);
    else if (simple.len)
        buf_printf(out, "(?:[%s]%s)", simple.data, others.data);
    else
        buf_printf(out, "(?:%s)", others.data + 1);
    buf_free(&simple);
    buf_free(&others);
    return rc;
}

/* A class from its bracket on, as a pattern for one character. */
static int class(struct reader *r, struct buf *out)
{
    const size_t from = r->at++;
    struct buf one = { 0 }, all = { 0 };
    if (++r->depth > MAX_DEPTH)
        return refuse(r, "a class so deep,", from);
    /* "^" counts right behind the bracket only */
    const bool negated = r->at < r->n && r->s[r->at] == '^';
    r->at += negated;
    int rc = operand(r, true, &one), n_and = 0;
    for (; rc == 0 && ahead(r, "&&"); n_and++) {         /* every operand but the last looks ahead */
        buf_printf(&all, "(?=%s)", one.data);
        buf_clear(&one);
        r->at += 2;
        rc = operand(r, false, &one);
    }
    if (rc == 0 && r->at == r->n)
        rc = refuse(r, "a class without its end,", from);
    r->at += rc == 0;
    /* [a&&b] is (?=a)b: a character that is both */
    if (rc == 0 && n_and)
        buf_printf(out, negated ? "(?:(?!%s%s)(?s:.))" : "(?:%s%s)", all.data, one.data);
    /* the simple case stays a class, which PCRE2 matches by a bitmap */
    else if (rc == 0 && negated && one.data[0] == '[')
        buf_printf(out, "[^%s", one.data + 1);
    else if (rc == 0)
        buf_printf(out, negated ? "(?:(?!%s)(?s:.))" : "%s", one.data);
    buf_free(&one);
    buf_free(&all);
    r->depth--;
    return rc;
}

/* ---- outside of classes ---- */

static int escape(struct reader *r, struct buf *out)
{
    if (r->at == r->n)
        return refuse(r, "a backslash at the end,", r->at - 1);
    const char c = r->s[r->at++];
    const char *set = set_of(c, false);
    /* Outside of classes \S and its like can be complements of a set. */
    if (set)
        buf_printf(out, "[%s%s]", isupper((unsigned char)c) ? "^" : "", set);
    else if (c == 'b')
        /* A boundary by our own word set, since PCRE2's \b goes by its own \w. */
        buf_printf(out, "(?:(?<=[%s])(?![%s])|(?<![%s])(?=[%s]))", word_set, word_set, word_set, word_set);
    else if (c == 'B')
        buf_printf(out, "(?:(?<=[%s])(?=[%s])|(?<![%s])(?![%s]))", word_set, word_set, word_set, word_set);
    /* anchors and references mean the same in both */
    else if (c != '\0' && strchr("AzZGR123456789", c))
        buf_printf(out, "\\%c", c);
    else
        return plain_escape(r, c, out);
    return 0;
}

/* "(?" with what follows it, up to where the group's own pattern begins. *rest: what ends the group that flags for the rest of
 * the group around them make: Oniguruma takes them so, alternatives included: a(?i)b|c is a(?i:b|c). */
static int group(struct reader *r, struct buf *out, const char **rest)
{
    static const char *const same[] = { "(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!" };
    const size_t from = r->at;
    /* groups that both dialects spell alike; names, conditions and recursion are refused below */
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (ahead(r, same[i])) {
            buf_str(out, same[i]);
            r->at += strlen(same[i]);
            return 0;
        }
    r->at += 2;
    if (r->at < r->n && r->s[r->at] == '#') {            /* a comment */
        const char *end = memchr(r->s + r->at, ')', r->n - r->at);
        if (!end)
            return refuse(r, "a comment without its end,", from);
        r->at = (size_t)(end - r->s) + 1;
        return 0;
    }
    buf_str(out, "(?");
    for (; r->at < r->n && strchr("imx-", r->s[r->at]) && r->s[r->at]; r->at++)
        buf_char(out, r->s[r->at] == 'm' ? 's' : r->s[r->at]);           /* Ruby's m lets a dot match a line end */
    if (r->at < r->n && r->at > from + 2 && (r->s[r->at] == ':' || r->s[r->at] == ')')) {
        *rest = r->s[r->at++] != ')' ? NULL : memchr(r->s + from, 'x', r->at - from) ? "\n)" : ")";      /* a comment may stand before it */
        buf_char(out, ':');
        return 0;
    }
    r->at += r->at < r->n;
    return refuse(r, "the group", from);
}

/* {n,m} at r->at? Sets its bounds as texts and what follows it; lower bound missing: 0. */
struct interval { size_t end; int low, high; bool comma; };

static bool interval(const struct reader *r, struct interval *v)
{
    size_t at = r->at + 1;
    int n[2] = { -1, -1 };
    *v = (struct interval){ 0 };
    /* low, then high behind a comma */
    for (int k = 0; k < 2; k++) {
        for (; at < r->n && isdigit((unsigned char)r->s[at]); at++)
            /* stops counting where PCRE2 (65,535) would refuse anyway */
            n[k] = n[k] > 99999 ? n[k] : (n[k] < 0 ? 0 : n[k]) * 10 + (r->s[at] - '0');
        if (k == 0 && at < r->n && r->s[at] == ',') {
            v->comma = true;
            at++;
        }
    }
    *v = (struct interval){ at + 1, n[0], n[1], v->comma };
    return at < r->n && r->s[at] == '}' && (n[0] >= 0 || (v->comma && n[1] >= 0));      /* {,3} counts from 0; {} and {,} are plain text */
}

/* A quantifier at r->at, behind the atom that begins at 'atom' of 'out'. */
static void quantifier(struct reader *r, size_t atom, struct buf *out)
{
    struct interval v;
    if (r->s[r->at] != '{') {
        /* ? for lazy and + for possessive mean the same behind *, + and ?. */
        buf_char(out, r->s[r->at++]);
        if (r->at < r->n && (r->s[r->at] == '?' || r->s[r->at] == '+'))
            buf_char(out, r->s[r->at++]);
        return;
    }
    interval(r, &v);
    r->at = v.end;
    /* An interval with a plus is repeated, and {n}? may be left out; to PCRE2 the one is possessive and the other lazy. */
    const char next = r->at < r->n ? r->s[r->at] : '\0';
    const bool repeated = next == '+' || (next == '?' && !v.comma);
    if (repeated) {
        char *own = xstrdup(out->data + atom);
        out->len = atom;
        buf_printf(out, "(?:%s", own);
        free(own);
    }
    buf_printf(out, "{%d", v.low < 0 ? 0 : v.low);
    if (v.comma)
        buf_char(out, ',');
    if (v.comma && v.high >= 0)
        buf_printf(out, "%d", v.high);
    buf_char(out, '}');
    if (repeated)
        buf_char(out, ')');
    if (next == '+' || next == '?') {
        buf_char(out, next);
        r->at++;
    }
}

int regex_to_pcre2(const char *s, size_t n, struct buf *out, struct err *err)
{
    struct reader r = { .s = s, .n = n, .err = err };
    struct interval v;
    struct { size_t atom; const char *rest; } open[100];             /* groups; rest: ends where the one around it does */
    size_t atom = out->len;
    int n_open = 0, rc = 0;
    while (rc == 0 && r.at < r.n) {
        const char c = s[r.at];
        if (c == '*' || c == '+' || c == '?' || (c == '{' && interval(&r, &v))) {
            quantifier(&r, atom, out);
            continue;
        }
        if (c == ')') {
            /* Groups that flags have opened end where the one around them ends. */
            for (; n_open > 0 && open[n_open - 1].rest; n_open--)
                buf_str(out, open[n_open - 1].rest);
            atom = n_open > 0 ? open[--n_open].atom : out->len;      /* the whole group is what a quantifier repeats */
            buf_char(out, s[r.at++]);
            continue;
        }
        /* A quantifier repeats a character, not its last byte: the atom begins at the first. */
        if (((unsigned char)c & 0xc0) != 0x80)
            atom = out->len;
        if (c == '\\') {
            r.at++;
            rc = escape(&r, out);
        } else if (c == '[') {
            rc = class(&r, out);
        } else if (c == '(') {
            const size_t from = r.at;
            /* a comment is no group and opens none */
            const bool comment = ahead(&r, "(?#");
            const char *rest = NULL;
            /* (*VERBS) are PCRE2's, and plain text to nobody */
            if (ahead(&r, "(*") || n_open == (int)(sizeof open / sizeof *open)) {
                rc = refuse(&r, "the group", from);
            } else if (ahead(&r, "(?")) {
                rc = group(&r, out, &rest);
            } else {
                buf_char(out, c);
                r.at++;
            }
            if (rc == 0 && !comment) {
                open[n_open].atom = atom;
                open[n_open++].rest = rest;
            }
        } else {
            buf_char(out, c);
            r.at++;
        }
    }
    for (; rc == 0 && n_open > 0 && open[n_open - 1].rest; n_open--)
        buf_str(out, open[n_open - 1].rest);
    return rc;
}
