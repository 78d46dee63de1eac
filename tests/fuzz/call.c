/* call.c - fuzz target: a line of a call journal; what parses must come back the same from what is written. */
#include "mtbench/call.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct call_record a, b;
    cJSON *keep_a, *keep_b;
    struct err err;
    struct buf line = { 0 };
    if (call_record_parse((const char *)data, size, &a, &keep_a, &err) < 0)
        return 0;
    call_record_put(&line, &a);
    if (memchr(line.data, '\n', line.len) || call_record_parse(line.data, line.len, &b, &keep_b, &err) < 0)
        abort();
    if (strcmp(a.key, b.key) || strcmp(a.text, b.text) || a.content != b.content || a.status != b.status || a.tokens_in != b.tokens_in || a.tries != b.tries)
        abort();
    cJSON_Delete(keep_a);
    cJSON_Delete(keep_b);
    buf_free(&line);
    return 0;
}
