/* call.c - fuzz target: a line of a call journal; what parses must come back the same from what is written. */
#include "mtbench/call.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct call_record *a = call_record_parse((const char *)data, size, &err), *b;
    struct buf line = { 0 };
    if (!a)
        return 0;
    if (memchr(data, '\n', size)) {      /* JSON, but no line */
        free(a);
        return 0;
    }
    call_record_put(&line, a);
    if (memchr(line.data, '\n', line.len) || !(b = call_record_parse(line.data, line.len, &err)))
        abort();
    if (strcmp(a->key, b->key) || strcmp(a->text, b->text) || a->content != b->content || a->status != b->status ||
        a->tokens_in != b->tokens_in || a->tries != b->tries)
        abort();
    free(a);
    free(b);
    buf_free(&line);
    return 0;
}
