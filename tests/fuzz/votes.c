/* votes.c - fuzz target: a vote file. */
#include "mtbench/vote.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct votes v = {0};
    struct err err;
    votes_parse(&v, "fuzz", (const char *)data, n, &err);
    votes_free(&v);
    return 0;
}
