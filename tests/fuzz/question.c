/* question.c - fuzz target: a question file. */
#include "mtbench/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct questions qs;
    struct err err;
    if (questions_parse("question.jsonl", (const char *)data, size, &qs, &err) == 0)
        questions_free(&qs);
    return 0;
}
