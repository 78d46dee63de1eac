/* price.c - which line of a price file counts, and what is refused. */
#include "tap.h"

#include "mtbench/price.h"

#include <string.h>

static const char file[] = "# a remark\n\ngpt-4*  30 60\n  gpt-4o*\t2.5 10  # later lines win\n*-mini 0.15 0.6\n";

static void check_lookup(void)
{
    static const struct { const char *model; double in, out;
    } table[] = {
        {"gpt-4", 30, 60}, {"gpt-4-0613", 30, 60}, {"gpt-4o", 2.5, 10}, {"gpt-4o-mini", 0.15, 0.6}, {"claude", -1, -1}, {"a-gpt-4", -1, -1},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct price p = { -1, -1 };
        struct err err;
        ok(price_find("prices.txt", file, strlen(file), table[i].model, &p, &err) == 0 && p.in == table[i].in && p.out == table[i].out,
           "%s: %g, %g", table[i].model, p.in, p.out);
    }
}

static void check_refusals(void)
{
    static const char *const bad[] = { "gpt-4 30",    "gpt-4 30 much", "gpt-4 -1 2",        "gpt-4 nan 2",
                                       "gpt-4 1 inf", "30 60",         "gpt-4 2.5 1.25 10", "gpt-4 30 60/1M" };
    char text[600] = "gpt-4 1 2\n";
    struct price p = { -1, -1 };
    struct err err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text + 10, sizeof text - 10, "%s\n", bad[i]);
        ok(price_find("prices.txt", text, strlen(text), "x", &p, &err) < 0 && strstr(err.text, "prices.txt:2:"), "refused: %s", bad[i]);
    }
    memset(text + 10, 'a', 500);
    ok(price_find("prices.txt", text, 510, "x", &p, &err) < 0 && strstr(err.text, "prices.txt:2:"), "an endless line is refused");
    ok(p.in == -1 && p.out == -1, "and nothing was taken from such files");
    ok(price_find("prices.txt", "", 0, "x", &p, &err) == 0, "an empty file knows no prices");
}

int main(void)
{
    check_lookup();
    check_refusals();
    return done_testing();
}
