/* verdict.c - what judges write and what it means: FastChat's answers to these texts, found by running it. */
#include "tap.h"

#include "mtbench/verdict.h"

#include <string.h>

static const struct { const char *text; double score; bool is_int; enum judgment_status status; } ratings[] = {
    { "Rating: [[8]]", 8, true, JUDGMENT_OK },
    { "[[8.5]]", 8.5, false, JUDGMENT_OK },
    { "[[8.]]", 8, false, JUDGMENT_OK },
    { "[[5]] ... [[9]]", 5, true, JUDGMENT_OK },
    { "see [1] and [[7]]", 7, true, JUDGMENT_OK },
    { "see [1]", 1, true, JUDGMENT_OK },
    { "[[7]", 7, true, JUDGMENT_OK },
    { "[7]]", 7, true, JUDGMENT_OK },
    { "[7.5.1] [3]", 3, true, JUDGMENT_OK },
    { "[[10]]/10", 10, true, JUDGMENT_OK },
    { "Rating: **[[6]]**", 6, true, JUDGMENT_OK },
    { "[[[6]]]", 6, true, JUDGMENT_OK },
    { "[[ 7 ]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[9 ]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[7/10]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[rating]] 7", -1, true, JUDGMENT_UNPARSABLE },
    { "[[-3]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[.5]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[1e1]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[1_0]]", -1, true, JUDGMENT_UNPARSABLE },
    { "$ERROR$", -1, true, JUDGMENT_UNPARSABLE },
    { "", -1, true, JUDGMENT_UNPARSABLE },
    { "[", -1, true, JUDGMENT_UNPARSABLE },
    { "[[8", -1, true, JUDGMENT_UNPARSABLE },
    { "[[08]]", -1, true, JUDGMENT_UNPARSABLE },      /* here and where digits are foreign its program ends */
    { "[[007]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[08]] [[5]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[\uff18]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[\u0668]] [[5]]", -1, true, JUDGMENT_UNPARSABLE },
    { "[[8\u00b2]] [[5]]", 5, true, JUDGMENT_OK },    /* a superscript is no digit of a number */
    { "[[00]]", 0, true, JUDGMENT_OUT_OF_RANGE },
    { "[[0]]", 0, true, JUDGMENT_OUT_OF_RANGE },
    { "[[0.9]]", 0.9, false, JUDGMENT_OUT_OF_RANGE },
    { "[[08.5]]", 8.5, false, JUDGMENT_OK },
    { "[[85]]", 85, true, JUDGMENT_OUT_OF_RANGE },
    { "[[10.0]]", 10, false, JUDGMENT_OK },
    { "[[10.01]]", 10.01, false, JUDGMENT_OUT_OF_RANGE },
};

static const struct { const char *text; char letter; } letters[] = {
    { "[[A]]", 'A' }, { "so [[B]]", 'B' }, { "[[C]]", 'C' }, { "[[B]] rather than [[A]]", 'A' }, { "[[C]] [[B]]", 'B' }, { "[[a]]", 'E' },
    { "[A]", 'E' }, { "", 'E' }, { "$ERROR$", 'E' }, { "[[D]]", 'E' }, { "[[[A]]]", 'A' }, { "[[A]", 'E' },
};

static const struct { const char *text; char letter;
} two[] = {
    {"[[7,8]]", 'B'}, {"[[8, 7]]", 'A'}, {"[[7, 7.05]]", 'C'}, {"[[7,  8]]", 'E'},    {"[7, 8]", 'B'},      {"[[7,\u00a08]]", 'B'},
    {"[[7,8]", 'B'},  {"[[7]]", 'E'},    {"[[07,8]]", 'E'},    {"[[0.3, 0.2]]", 'C'}, {"[[8.0,8.1]]", 'C'}, {"[[8.2,8.1]]", 'C'},
    {"", 'E'},
};

static const struct { const char *text; double score; } thought[] = {
    { "Rating: [[8]]", 8 }, { "<think>maybe [[3]]</think>[[9]]", 9 }, { "maybe [[3]]</think>[[9]]", 9 }, { "<think>maybe [[3]]", -1 },
    { "Hm.\n<think>[[3]]</think>\n[[9]]", 9 }, { "Hm.\n<think>[[3]]", -1 }, { "[[9]] as <think>[[3]]</think> says", 9 },
    { "The answer has no <think> tag: [[9]]", 9 },
};

static size_t utf8(char *to, unsigned u)
{
    if (u < 0x80)
        return to[0] = (char)u, 1;
    if (u < 0x800)
        return to[0] = (char)(0xc0 | u >> 6), to[1] = (char)(0x80 | (u & 63)), 2;
    return to[0] = (char)(0xe0 | u >> 12), to[1] = (char)(0x80 | (u >> 6 & 63)), to[2] = (char)(0x80 | (u & 63)), 3;
}

/* Between two scores there may be one blank: what \s means to Python's patterns, no more and no less. These are Python
 * 3.11's, and there is none above. */
static void check_blanks(void)
{
    static const unsigned blank[] = {
        0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005,
        0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
    };
    unsigned wrong = 0;
    for (unsigned u = 1, at = 0; u < 0xffff; u++) {
        char text[16] = "[[7,";
        size_t n = 4 + utf8(text + 4, u);
        memcpy(text + n, "8]]", 3);
        bool is_blank = at < sizeof blank / sizeof *blank && blank[at] == u;
        at += is_blank;
        bool digit = u >= '0' && u <= '9';
        if ((u < 0xd800 || u > 0xdfff) && !digit && (verdict_parse(VERDICT_TWO_RATINGS, text, n + 3).letter == 'B') != is_blank && !wrong)
            wrong = u;
    }
    ok(wrong == 0, "a blank is what Python's \\s says: first other one U+%04X", wrong);
}

int main(void)
{
    check_blanks();
    for (size_t i = 0; i < sizeof ratings / sizeof *ratings; i++) {
        struct verdict v = verdict_parse(VERDICT_RATING, ratings[i].text, strlen(ratings[i].text));
        ok(v.score == ratings[i].score && v.score_is_int == ratings[i].is_int && v.status == ratings[i].status, "%s is %g, %s (saw %g, %s)",
            ratings[i].text,
           ratings[i].score, judgment_status_name(ratings[i].status), v.score, judgment_status_name(v.status));
    }
    char many[5002];
    memset(many, '1', sizeof many);
    memcpy(many, "[[", 2);
    memcpy(many + 4303, "]]", 2);
    struct verdict v = verdict_parse(VERDICT_RATING, many, 4305);
    ok(v.status == JUDGMENT_UNPARSABLE && v.score == -1, "4301 digits are more than Python reads");
    memcpy(many + 4302, "]]", 2);
    ok(verdict_parse(VERDICT_RATING, many, 4304).status == JUDGMENT_OUT_OF_RANGE, "4300 digits are out of range");
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        v = verdict_parse(VERDICT_AB, letters[i].text, strlen(letters[i].text));
        ok(v.letter == letters[i].letter && (v.status == JUDGMENT_OK) == (v.letter != 'E'), "\"%s\" is %c", letters[i].text,
           letters[i].letter);
    }
    for (size_t i = 0; i < sizeof two / sizeof *two; i++) {
        v = verdict_parse(VERDICT_TWO_RATINGS, two[i].text, strlen(two[i].text));
        ok(v.letter == two[i].letter && (v.status == JUDGMENT_OK) == (v.letter != 'E'), "two scores \"%s\": %c (saw %c)", two[i].text,
           two[i].letter, v.letter);
    }
    for (size_t i = 0; i < sizeof thought / sizeof *thought; i++) {
        v = verdict_read(VERDICT_RATING, thought[i].text, strlen(thought[i].text), false);
        ok(v.score == thought[i].score, "what is said, not what is thought: %g (saw %g) in %s", thought[i].score, v.score, thought[i].text);
    }
    static const char announced[] = "Here is my thought process: maybe [[3]]";
    ok(verdict_read(VERDICT_RATING, announced, strlen(announced), false).score == 3 &&
           verdict_read(VERDICT_RATING, announced, strlen(announced), true).score == -1,
       "thoughts that are announced and cut have no verdict");
    return done_testing();
}
