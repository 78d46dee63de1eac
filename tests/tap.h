/* tap.h - ok(condition, "what is true", ...) and done_testing(): Test Anything Protocol for our unit tests.
 * A test that ends without done_testing() prints no plan, and the runner counts that as a failure. */
#ifndef MTB_TAP_H
#define MTB_TAP_H

#include <stdarg.h>
#include <stdio.h>

static int tap_run, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static int tap_ok(const char *file, int line, int good, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%s %d - ", good ? "ok" : "not ok", ++tap_run);
    vprintf(fmt, ap);
    va_end(ap);
    if (!good) {
        tap_failed++;
        printf("\n#   failed at %s:%d", file, line);
    }
    printf("\n");
    fflush(stdout);
    return good;
}
#define ok(cond, ...) tap_ok(__FILE__, __LINE__, !!(cond), __VA_ARGS__)

__attribute__((unused)) static void skip(int n, const char *why)
{
    for (int i = 0; i < n; i++)
        printf("ok %d # SKIP %s\n", ++tap_run, why);
}

__attribute__((unused)) static int done_testing(void)
{
    printf("1..%d\n", tap_run);
    return tap_failed != 0;
}

#endif
