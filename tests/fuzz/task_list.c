/* task_list.c - fuzz target: the list file of a campaign; what it accepts has words, ended by NULL, and numbers that rise. */
#include "mtbench/task_list.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct task_list l;
    struct err err;
    if (task_list_parse("f", (const char *)data, size, &l, &err) < 0)
        return 0;
    long before = 0;
    for (int i = 0; i < l.n; before = l.line[i++].number)
        if (l.line[i].n < 1 || l.line[i].word[l.line[i].n] || l.line[i].number <= before)
            abort();
    task_list_free(&l);
    return 0;
}
