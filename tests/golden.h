/* golden.h - lines of a golden text file for unit tests: the words of each line whose first word is 'kind', and bytes from hex. */
#ifndef MTB_TEST_GOLDEN_H
#define MTB_TEST_GOLDEN_H

#include "mtbench/io.h"

#include <stdlib.h>
#include <string.h>

typedef void (*golden_line_f)(char *rest);

/* Calls 'each' with what follows "KIND "; returns how many lines there were. */
__attribute__((unused)) static int golden_lines(const char *path, char kind, golden_line_f each)
{
    struct buf b = {0};
    int n = 0;
    if (io_read(path, &b, NULL) < 0)
        return 0;
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1) {
        *end = '\0';
        if (p[0] == kind && p[1] == ' ') {
            each(p + 2);
            n++;
        }
    }
    buf_free(&b);
    return n;
}

/* Cut the first word off; returns what follows it. */
__attribute__((unused)) static char *golden_next(char *word)
{
    char *blank = strchr(word, ' ');
    if (!blank)
        return word + strlen(word);
    *blank = '\0';
    return blank + 1;
}

/* "-" and "" are no bytes. Each hex string becomes a block of exactly its size, so that a sanitizer sees a read behind it. */
__attribute__((unused)) static char *golden_bytes(const char *hex, size_t *n)
{
    *n = strcmp(hex, "-") ? strlen(hex) / 2 : 0;
    char *p = malloc(*n ? *n : 1);
    for (size_t i = 0; i < *n; i++) {
        char two[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        p[i] = (char)strtoul(two, NULL, 16);
    }
    return p;
}

#endif
