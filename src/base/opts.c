/* opts.c - the command line of a verb, as a table. */
#include "mtbench/opts.h"

#include "mtbench/mem.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int min3(int a, int b, int c)
{
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein distance of two short words. */
static int distance(const char *a, const char *b)
{
    enum { LIMIT = 63 };                 /* flags are shorter; a longer word is near to none */
    int n = (int)strlen(b), row[LIMIT + 1]; /* row[j]: from the letters of a so far to the first j of b */
    if (n > LIMIT)
        return n;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];           /* one row is enough: what stood left and above is kept */
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int next = min3(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = row[j];
            row[j] = next;
        }
    }
    return row[n];
}

const char *opts_nearest(const char *word, const char *const *name, int n)
{
    const char *best = NULL;
    int least = (int)strlen(word) / 2 + 1; /* more than half wrong is no slip of the finger */
    for (int i = 0; i < n; i++) {
        int d = distance(word, name[i]);
        if (d < least) {
            least = d;
            best = name[i];
        }
    }
    return best;
}

static bool is_flag(const char *word)
{
    return word[0] == '-' && word[1] == '-' && word[2] != '\0'; /* "-3" is a value */
}

static int unknown(const struct opt *table, int n, const char *word, struct err *err)
{
    const char **name = xcalloc((size_t)n + 1, sizeof *name);
    for (int i = 0; i < n; i++)
        name[i] = table[i].name;
    const char *near = opts_nearest(word, name, n); /* a typing error names what was meant */
    free(name);
    if (near)
        return err_set(err, ERR_USAGE, "--%s: unknown flag; did you mean --%s?", word, near);
    return err_set(err, ERR_USAGE, "--%s: unknown flag; --help lists them", word);
}

/* The flag of this name, or the only one that begins so. */
static const struct opt *find(const struct opt *table, int n, const char *word, struct err *err)
{
    const struct opt *match = NULL;
    size_t length = strlen(word);
    for (int i = 0; i < n; i++) {
        /* The whole name first: --model must not be refused because --model-list begins so too. */
        if (!strcmp(table[i].name, word))
            return &table[i];
    }
    for (int i = 0; i < n; i++) {
        if (strncmp(table[i].name, word, length))
            continue;
        if (match) {                     /* two begin so, and neither is whole: guessing would be worse than asking */
            err_set(err, ERR_USAGE, "--%s: could be --%s or --%s; write more of it", word, match->name, table[i].name);
            return NULL;
        }
        match = &table[i];
    }
    if (!match)
        unknown(table, n, word, err);
    return match;
}

/* Bytes of a size as Hugging Face accelerate reads it: "13GiB", "500MB"; 0 for anything else. */
static double parse_size(const char *word)
{
    static const struct { const char *name; double bytes; } unit[] = {
        { "KB", 1e3 }, { "MB", 1e6 }, { "GB", 1e9 }, { "TB", 1e12 },
        { "KiB", 0x1p10 }, { "MiB", 0x1p20 }, { "GiB", 0x1p30 }, { "TiB", 0x1p40 },
    };
    char *end;
    const double n = strtod(word, &end);
    for (size_t i = 0; n > 0 && n < 1e18 && i < sizeof unit / sizeof *unit; i++) /* more than any machine has is a slip */
        if (!strcasecmp(end, unit[i].name)) /* accelerate takes "gb" too */
            return n * unit[i].bytes;
    return 0;
}

/* The place of the word among "a|b|c"; -1. An empty one is never chosen. */
static int place_of(const char *words, const char *word)
{
    const size_t n = strlen(word);
    for (int i = 0;; i++) {
        const size_t length = strcspn(words, "|");
        if (n > 0 && length == n && !strncmp(words, word, n))
            return i;
        if (!words[length])
            return -1;
        words += length + 1;
    }
}

/* "a|b|c" as "a, b or c". */
static char *in_prose(const char *words)
{
    struct buf b = {0};
    words += *words == '|';              /* "|a|b": none of them is the default, which is not listed */
    for (size_t n; *words; words += n) {
        n = strcspn(words, "|");
        buf_printf(&b, "%.*s", (int)n, words);
        if (words[n])
            buf_str(&b, strchr(words + ++n, '|') ? ", " : " or ");
    }
    return b.data;
}

static int store_choice(const struct opt *o, const char *value, struct err *err)
{
    const int i = place_of(o->arg, value);
    if (i < 0) {
        char *words = in_prose(o->arg);
        err_set(err, ERR_USAGE, "--%s %s: is unknown; give %s", o->name, value, words);
        free(words);
        return -1;
    }
    memcpy(o->to, &i, sizeof i);                 /* an enum is as wide as an int, whatever its sign */
    return 0;
}

static int store_number(const struct opt *o, const char *value, struct err *err)
{
    char *end;
    double real = 0;
    bool tiny = false, huge = false;     /* nearer to 0, or farther from it, than the type can say */
    errno = 0;                           /* strtol() and strtod() only ever set it */
    if (o->kind == OPT_INT) {
        *(long *)o->to = strtol(value, &end, 10);
        huge = errno != 0;
    } else {
        real = strtod(value, &end);
        tiny = errno && fabs(real) < 1;
        if (o->kind == OPT_FLOAT) {
            *(float *)o->to = (float)real;
            tiny |= real != 0 && (float)real == 0;
            huge = !isfinite((float)real);
        } else {
            *(double *)o->to = real;
            huge = !isfinite(real);
        }
    }
    /* The letter of "nan", "inf" and their like, which strtod() takes. */
    if (end == value || *end || strpbrk(value, "nN"))
        return err_set(err, ERR_USAGE, "--%s %s: not a %snumber; give one", o->name, value, o->kind == OPT_INT ? "whole " : "");
    if (tiny || huge)
        return err_set(err, ERR_USAGE, "--%s %s: %s than a number here can hold; give 0, or one %s it", o->name, value,
                       tiny ? "less" : "more", tiny ? "farther from" : "nearer to");
    return 0;
}

static int store(const struct opt *o, char *value, struct err *err)
{
    if (o->kind == OPT_STRING || o->kind == OPT_MAYBE) {
        *(const char **)o->to = value;   /* of argv: lives as long as the program */
        return 0;
    }
    if (o->kind == OPT_CHOICE)
        return store_choice(o, value, err);
    if (o->kind == OPT_SIZE)
        return (*(double *)o->to = parse_size(value)) > 0
                   ? 0
                   : err_set(err, ERR_USAGE, "--%s %s: not a size; write it as 13GiB", o->name, value);
    return store_number(o, value, err);
}

/* --flag=word, or all words up to the next flag; returns how many more words of argv that takes. */
static int store_list(const struct opt *o, char *value, int argc, char **argv)
{
    struct opt_list *list = o->to;
    if (value) {
        argv[0] = value;                 /* the list is one word long and needs a place to stand */
        *list = (struct opt_list){ argv, 1 };
        return 0;
    }
    *list = (struct opt_list){ argv + 1, 0 };
    while (list->n + 1 < argc && !is_flag(argv[list->n + 1]))
        list->n++;
    return list->n;
}

bool opts_want_help(int argc, char *const *argv)
{
    for (int i = 0; i < argc; i++)
        if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help"))
            return true;
    return false;
}

/* -o becomes --output, as compilers have taught people, so that what follows knows one spelling. */
static void spell_out(const struct opt *table, int n, int argc, char **argv)
{
    static char output[] = "--output";   /* outlives the call, as argv does */
    bool there = false;
    for (int k = 0; k < n; k++)
        there |= !strcmp(table[k].name, output + 2);
    for (int i = 0; i < argc && there; i++)
        if (!strcmp(argv[i], "-o"))
            argv[i] = output;
}

/* How many words of argv, from a flag on, are the flag's: itself, and its values. */
static int taken(const struct opt *table, int n, int argc, char **argv)
{
    char name[64];
    const char *equals = strchr(argv[0], '=');
    snprintf(name, sizeof name, "%.*s", (int)(equals ? equals - argv[0] - 2 : (int)strlen(argv[0] + 2)), argv[0] + 2);
    const struct opt *o = find(table, n, name, NULL);
    int k = 1;
    if (!o || equals || o->kind == OPT_FLAG)
        return 1;
    while (k < argc && !is_flag(argv[k]) && (o->kind == OPT_LIST || k == 1))
        k++;
    return k;
}

/* Brings the words that no flag takes to the front, in their order, before anybody points into argv. Returns how many they are. */
static int gather_words(const struct opt *table, int n, int argc, char **argv)
{
    int words = 0;
    for (int i = 0; i < argc;) {
        if (is_flag(argv[i])) {
            i += taken(table, n, argc - i, argv + i);
            continue;
        }
        char *word = argv[i];
        memmove(argv + words + 1, argv + words, (size_t)(i - words) * sizeof *argv);
        argv[words++] = word;
        i++;
    }
    return words;
}

static const struct opt *words_of(const struct opt *table, int n)
{
    for (int i = 0; i < n; i++)
        if (!*table[i].name)
            return &table[i];
    return NULL;
}

int opts_parse(const struct opt *table, int n, int argc, char **argv, struct err *err)
{
    if (opts_want_help(argc, argv))      /* before all else: whoever asks for help has got something wrong */
        return 1;
    const struct opt *words = words_of(table, n);
    int first = 0;
    spell_out(table, n, argc, argv);
    if (words) {
        first = gather_words(table, n, argc, argv);
        *(struct opt_list *)words->to = (struct opt_list){ argv, first };
    }
    for (int i = first; i < argc; i++) {
        if (!is_flag(argv[i]))
            return err_set(err, ERR_USAGE, "%s: a word where a flag should be; flags begin with --, and --help lists them", argv[i]);
        char *name = xstrdup(argv[i] + 2), *equals = strchr(name, '=');
        if (equals)
            *equals = '\0';
        const struct opt *o = find(table, n, name, err);
        free(name);
        if (!o)
            return -1;
        char *value = equals ? strchr(argv[i], '=') + 1 : NULL;
        /* Whether a flag was given is another question than its value: a default may be said out loud. */
        if (o->given)
            *o->given = true;
        if (o->kind == OPT_FLAG) {
            if (value)
                return err_set(err, ERR_USAGE, "--%s: takes no value; leave it away", o->name);
            *(bool *)o->to = true;
        } else if (o->kind == OPT_LIST) {
            i += store_list(o, value, argc - i, argv + i);
            if (((struct opt_list *)o->to)->n == 0)
                return err_set(err, ERR_USAGE, "--%s: needs at least one value; give it behind the flag", o->name);
        } else if (o->kind == OPT_MAYBE && !value && (i + 1 == argc || is_flag(argv[i + 1]))) {
            *(const char **)o->to = "";
        } else {
            /* "--model-path --model-id x" lacks a value; taking the next flag for it would be the stranger error. */
            if (!value && (i + 1 == argc || is_flag(argv[i + 1])))
                return err_set(err, ERR_USAGE, "--%s: needs a value; give it behind the flag", o->name);
            if (store(o, value ? value : argv[++i], err) < 0)
                return -1;
        }
    }
    return 0;
}

int opts_not_negative(const char *name, double value, bool given, struct err *err)
{
    /* Written so that NaN is refused. */
    return !given || value >= 0 ? 0 : err_set(err, ERR_USAGE, "--%s %g: must be 0 or more", name, value);
}

static void help_line(struct buf *out, size_t start, const char *help)
{
    do                                   /* at least one blank, also behind a flag that reaches beyond the column */
        buf_char(out, ' ');
    while (out->len < start + 36);       /* the column of the explanations */
    buf_printf(out, "%s\n", help);
}

void opts_help(const struct opt *table, int n, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        size_t start = out->len;
        const char *arg = table[i].arg ? table[i].arg : "";
        const char *letter = !strcmp(table[i].name, "output") ? "-o, " : "";
        buf_printf(out, "  %s%s%s%s%s", letter, *table[i].name ? "--" : "", table[i].name, *table[i].name && *arg ? " " : "",
                   arg + (*arg == '|'));
        help_line(out, start, table[i].help);
    }
}

void opts_help_env(const struct opt_env *env, int n, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        size_t start = out->len;
        buf_printf(out, "  %s", env[i].name);
        help_line(out, start, env[i].help);
    }
}
