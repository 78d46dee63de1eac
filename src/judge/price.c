/* price.c - what a judge costs, from a dated file that users edit. */
#include "mtbench/price.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int price_find(const char *name, const char *text, size_t n, const char *model, struct price *p, struct err *err)
{
    const char *end = text + n;
    for (int at = 1; text < end; at++) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        char line[256], pattern[128];    /* on the stack: a price is short, and a line that is not is no price */
        struct price now;
        int used = 0;                    /* bytes of a whole entry; what stands behind them was not meant as it would be read */
        size_t len = (size_t)((eol ? eol : end) - text);
        if (len >= sizeof line)
            return err_set(err, ERR_FORMAT, "%s:%d: the line is longer than %zu bytes; write PATTERN IN OUT", name, at, sizeof line - 1);
        memcpy(line, text, len);
        line[len] = '\0';
        line[strcspn(line, "#")] = '\0'; /* a comment */
        text = eol ? eol + 1 : end;
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        if (sscanf(line, "%127s %lf %lf %n", pattern, &now.in, &now.out, &used) != 3 || line[used] || !(now.in >= 0) || !(now.out >= 0) ||
            isinf(now.in) || isinf(now.out))
            return err_set(err, ERR_FORMAT,
                           "%s:%d: not a price; write PATTERN, dollars per million tokens in, dollars per million tokens out", name, at);
        if (fnmatch(pattern, model, 0) == 0) /* the last line that fits counts: general ones first, exceptions below */
            *p = now;
    }
    return 0;
}
