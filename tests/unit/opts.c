/* opts.c - the command line as a table: spellings, lists, numbers at their limits. */
#include "mtbench/opts.h"

#include "tap.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum pace { NO_PACE, SLOW, STEADY, FAST };
enum side { LEFT, RIGHT };
static struct {
    bool loud, given;
    const char *word;
    long number;
    float half;
    double real, bytes;
    enum pace pace;
    enum side side;
    struct opt_list list;
} got;

static const struct opt table[] = {
    {"loud", OPT_FLAG, &got.loud, NULL, NULL, ""},     {"word", OPT_STRING, &got.word, &got.given, "W", ""},
    {"wording", OPT_STRING, &got.word, NULL, "W", ""}, {"number", OPT_INT, &got.number, NULL, "N", ""},
    {"real", OPT_DOUBLE, &got.real, NULL, "X", ""},    {"list", OPT_LIST, &got.list, NULL, "W", ""},
    {"half", OPT_FLOAT, &got.half, NULL, "X", ""},     {"bytes", OPT_SIZE, &got.bytes, NULL, "SIZE", ""},
    {"pace", OPT_CHOICE, &got.pace, NULL, "|slow|steady|fast", "how fast"}, {"side", OPT_CHOICE, &got.side, NULL, "left|right", "where"},
};

static struct err err;

static int parse(const char *line)
{
    static char copy[200], *argv[20];
    int argc = 0;
    memset(&got, 0, sizeof got);
    err = (struct err){0};
    strcpy(copy, line);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
        argv[argc++] = w;
    return opts_parse(table, sizeof table / sizeof *table, argc, argv, &err);
}

static bool fails(const char *line, const char *words)
{
    return parse(line) == -1 && err.kind == ERR_USAGE && strstr(err.text, words);
}

static void test_choices(void)
{
    struct buf help = {0};
    ok(parse("--side right --pace=slow") == 0 && got.side == RIGHT && got.pace == SLOW, "a word is its place in the list");
    ok(parse("--side left") == 0 && got.side == LEFT && got.pace == NO_PACE, "what is not given keeps its value");
    ok(fails("--pace quick", "--pace quick: is unknown; give slow, steady or fast") &&
           fails("--side righ", "--side righ: is unknown; give left or right"),
       "another word, or half of one: %s", err.text);
    ok(fails("--pace=", "is unknown; give") && fails("--pace slow|steady", "is unknown; give") &&
           fails("--side", "needs a value"), "no word, two words");
    opts_help(table, sizeof table / sizeof *table, &help);
    ok(strstr(help.data, "--pace slow|steady|fast  ") && strstr(help.data, "--side left|right  "), "help shows them");
    buf_free(&help);
}

static void test_sizes(void)
{
    ok(parse("--half 0.7") == 0 && got.half == 0.7f, "a float");
    ok(fails("--half inf", "not a number") && fails("--half nan", "not a number") && fails("--half 1e39", "can hold") &&
           fails("--real 1e999", "more than") && fails("--half 1e-46", "less than") && fails("--real 1e-320", "less than") &&
           parse("--half 0 --real 0.0") == 0,
       "no end, and no float holds it: %s", err.text);
    ok(fails("--half 0.7x", "not a number"), "no float: %s", err.text);
    ok(parse("--bytes 13GiB") == 0 && got.bytes == 13 * 0x1p30 && parse("--bytes 0.5mb") == 0 && got.bytes == 5e5, "sizes");
    ok(fails("--bytes lots", "not a size") && fails("--bytes 5", "not a size") && fails("--bytes -1GB", "not a size") &&
           fails("--bytes 0GB", "not a size") && fails("--bytes nanGB", "not a size") && fails("--bytes infGB", "not a size") &&
           fails("--bytes 1e300TiB", "not a size"),
       "no sizes: %s", err.text);
}

/* Words that stand alone, as the runs of aggregate do, before, between and behind the flags. */
static void test_words(void)
{
    struct opt_list words = {0}, list = {0};
    const char *output = NULL;
    bool loud = false;
    const struct opt flags[] = {
        { "", OPT_LIST, &words, NULL, "RUN...", "runs" }, { "output", OPT_STRING, &output, NULL, "FILE", "where" },
        { "list", OPT_LIST, &list, NULL, "NAME...", "some" }, { "loud", OPT_FLAG, &loud, NULL, NULL, "loud" },
    };
    char *argv[] = { "a", "--loud", "b", "-o", "file", "c", "--output=last", "d", "--list", "x", "y" };
    ok(opts_parse(flags, 4, 11, argv, &err) == 0 && words.n == 4 && !strcmp(words.word[0], "a") && !strcmp(words.word[1], "b") &&
           !strcmp(words.word[2], "c") && !strcmp(words.word[3], "d"),
       "words in their order, wherever they stand: %d", words.n);
    ok(loud && !strcmp(output, "last") && list.n == 2 && !strcmp(list.word[1], "y"), "flags and lists have their own");
    char *none[] = { "--loud" }, *lacks[] = { "a", "-o" };
    ok(opts_parse(flags, 4, 1, none, &err) == 0 && words.n == 0, "none is fine");
    ok(opts_parse(flags, 4, 2, lacks, &err) == -1 && strstr(err.text, "--output: needs a value"), "-o is --output: %s", err.text);
    struct buf help = {0};
    opts_help(flags, 4, &help);
    ok(strstr(help.data, "  RUN... ") && strstr(help.data, "  -o, --output FILE "), "help names both");
    buf_free(&help);
}

int main(void)
{
    test_words();
    test_choices();
    test_sizes();
    ok(parse("--word a --number=-7 --real 2.5 --loud") == 0 && !strcmp(got.word, "a") && got.number == -7 && got.real == 2.5 && got.loud &&
           got.given,
       "both spellings, negative numbers");
    ok(parse("--word a --word=b") == 0 && !strcmp(got.word, "b"), "the last one counts");
    ok(parse("--word=") == 0 && !strcmp(got.word, ""), "an empty value is a value");
    ok(parse("--word=a=b") == 0 && !strcmp(got.word, "a=b"), "only the first = divides");
    ok(parse("--num 3") == 0 && got.number == 3, "a beginning will do");
    ok(parse("--word x") == 0 && fails("--wor x", "--word or --wording"), "a whole name wins, a shared beginning is refused");
    ok(parse("--list a b --loud") == 0 && got.list.n == 2 && !strcmp(got.list.word[1], "b") && got.loud, "a list ends at the next flag");
    ok(parse("--list=a --number 1") == 0 && got.list.n == 1 && !strcmp(got.list.word[0], "a") && got.number == 1,
       "--list=a is a list of one");
    ok(fails("--list --loud", "at least one"), "a list needs a word");
    ok(parse("--number -9223372036854775808") == 0 && got.number == LONG_MIN, "the least number");
    ok(fails("--number 9223372036854775808", "can hold"), "one more than the greatest number");
    ok(fails("--number 1.5", "whole number") && fails("--number x", "whole number") && fails("--real 1x", "not a number"), "no numbers");
    ok(fails("--real nan", "not a number") && fails("--real inf", "not a number") && fails("--real=-inf", "not a number"),
       "words that strtod() takes for numbers are none here");
    ok(fails("--number", "needs a value") && fails("--word --loud", "needs a value"), "a value is missing");
    ok(fails("--loud=1", "no value"), "a switch takes no value");
    ok(fails("--lost", "did you mean --list") && fails("--zzzzzzzz", "--help"), "the nearest flag, if one is near");
    ok(fails("word", "where a flag") && fails("--", "where a flag") && fails("-x", "where a flag"), "words without a flag");
    ok(parse("--bogus --help") == 1 && parse("--word -h") == 1, "help wins over whatever is wrong");
    ok(opts_not_negative("cost", -1, false, &err) == 0 && opts_not_negative("cost", 0, true, &err) == 0, "0 is not below 0");
    ok(opts_not_negative("cost", -1, true, &err) == -1 && !strcmp(err.text, "--cost -1: must be 0 or more"),
       "the one flag that is wrong: %s", err.text);
    ok(opts_not_negative("cost", (double)NAN, true, &err) == -1, "NaN is no amount");
    return done_testing();
}
