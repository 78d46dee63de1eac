/* journal.c - fuzz target: a journal line; what parses must come back the same from what is written. */
#include "mtbench/journal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct turn_record *a = turn_parse((const char *)data, size, &err), *b;
    struct buf line = { 0 };
    if (!a)
        return 0;
    if (memchr(data, '\n', size)) {      /* JSON, but no line */
        free(a);
        return 0;
    }
    turn_put(&line, a);
    b = turn_parse(line.data, line.len, &err);
    if (!b || memchr(line.data, '\n', line.len) || strcmp(a->text, b->text) || a->turn != b->turn || a->question_id != b->question_id ||
        a->status != b->status)
        abort();
    free(a);
    free(b);
    buf_free(&line);
    return 0;
}
