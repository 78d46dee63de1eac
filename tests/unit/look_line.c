/* look_line.c - the line that leads to the page: what a shell reads back is what was meant, and no line where it would lead nowhere. */
#include "mtbench/look.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static bool leads(const struct showing *o, const char *want)
{
    struct buf b = {0};
    look_put(&b, o);
    const bool same = !strcmp(b.data ? b.data : "", want);
    if (!same)
        printf("# %s", b.data ? b.data : "(nothing)\n");
    buf_free(&b);
    return same;
}

/* By the shell itself. */
static void test_words(void)
{
    static const char *const word[] = { "plain-7b_v1.3", "a b", "it's", "$HOME `id` \"q\" \\ *", "", "-x", "\xf0\x9f\x98\x80" };
    struct buf line = {0}, want = {0};
    char seen[400] = "";
    buf_str(&line, "printf '[%s]'");
    for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
        buf_char(&line, ' ');
        look_put_word(&line, word[i]);
        buf_printf(&want, "[%s]", word[i]);
    }
    FILE *f = popen(line.data, "r");
    const size_t n = f ? fread(seen, 1, sizeof seen - 1, f) : 0;
    ok(f && pclose(f) == 0 && n == want.len && !strcmp(seen, want.data), "a shell reads back every word: %s", line.data);
    buf_free(&line);
    buf_free(&want);
}

int main(void)
{
    char a[] = "a", b[] = "ORG b", j[] = "gpt-4", broken[] = "x\ny", *both[] = { a, b }, *judge[] = { j }, *bad[] = { broken };
    struct showing o = { .data_dir = "data", .bench_name = "mt_bench", .repeat = 1 };
    ok(leads(&o, "look: mtbench browse -o page.html\n"), "the usual place needs no flag");
    o.data_dir = "/my data";
    o.bench_name = "own";
    o.judges = (struct opt_list){ judge, 1 };
    o.model_list = (struct opt_list){ both, 2 };
    ok(leads(&o, "look: mtbench browse --data-dir '/my data' --bench-name own --model-list a 'ORG b' --judge-model gpt-4 -o page.html\n"),
       "the flags that lead to what was shown");
    o.compare = (struct opt_list){ both, 1 };
    ok(leads(&o, "look: mtbench browse --data-dir '/my data' --bench-name own --model-list a --judge-model gpt-4 -o page.html\n"),
       "two that were compared are the models");
    o.model_list = o.compare = (struct opt_list){ bad, 1 };
    ok(leads(&o, ""), "no name breaks the line");
    o.model_list = o.compare = (struct opt_list){0};
    for (int f = 0; f <= SHOW_FASTCHAT; f++) {
        o.format = (enum show_format)f;
        ok(f == SHOW_TABLE || leads(&o, ""), "nothing in a format of other programs");
    }
    o.format = SHOW_TABLE;
    o.plot = PLOT_RADAR;
    ok(leads(&o, ""), "a picture is no text");
    o.plot = PLOT_NONE;
    o.output = "table.txt";
    ok(leads(&o, ""), "nor is a file of the table for those who look at a terminal");
    o.output = NULL;
    o.input_file = "x.jsonl";
    ok(leads(&o, ""), "a file of its own is in no folder that browse reads");
    o.input_file = NULL;
    o.campaign = "c.h5";
    ok(leads(&o, ""), "nor is a campaign file");
    test_words();
    return done_testing();
}
