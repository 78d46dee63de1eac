/* price.c - which line of a price file counts, and what is refused. */
#include "tap.h"

#include "mtbench/io.h"
#include "mtbench/price.h"
#include "mtbench/price_list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Flags, the file, neither. */
static void check_flags(void)
{
    char dir[] = "/tmp/mtbench-price-XXXXXX", path[64];
    struct price p;
    struct err err = {0};
    if (!mkdtemp(dir))
        return;
    snprintf(path, sizeof path, "%s/prices.txt", dir);
    struct price_flags f = { .data_dir = dir, .model = "m" };
    ok(price_by_flags(&f, &p, &err) == 0 && p.in == -1 && p.out == -1, "no file, no flags: unknown");
    f.max_cost = 1;
    ok(price_by_flags(&f, &p, &err) < 0 && strstr(err.text, "--price-in"), "a limit needs prices: %s", err.text);
    f = (struct price_flags){ .data_dir = dir, .model = "m", .in = 3, .given_in = true };
    ok(io_replace(path, "m 1 2\n", 6, &err) == 0 && price_by_flags(&f, &p, &err) == 0 && p.in == 3 && p.out == 2,
       "a flag wins over the file");
    unlink(path);
    mkdir(path, 0777);
    ok(price_by_flags(&f, &p, &err) < 0 && strstr(err.text, "prices.txt: cannot read"), "a file that cannot be read: %s", err.text);
    rmdir(path);
    rmdir(dir);
}

int main(void)
{
    check_flags();
    check_lookup();
    check_refusals();
    return done_testing();
}
