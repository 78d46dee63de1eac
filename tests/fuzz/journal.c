/* journal.c - fuzz target: a journal line; what parses must come back the same from what is written. */
#include "mtbench/journal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct turn_record a, b;
    cJSON *keep_a, *keep_b;
    struct err err;
    struct buf line = { 0 };
    if (turn_parse((const char *)data, size, &a, &keep_a, &err) < 0)
        return 0;
    turn_put(&line, &a);
    if (turn_parse(line.data, line.len, &b, &keep_b, &err) == 0) {
        if (strcmp(a.text, b.text) || a.turn != b.turn)
            abort();
        cJSON_Delete(keep_b);
    }
    cJSON_Delete(keep_a);
    buf_free(&line);
    return 0;
}
