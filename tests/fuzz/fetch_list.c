/* fetch_list.c - fuzz target: a list of files to fetch; what it accepts stays below the data folder. */
#include "mtbench/fetch_list.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fetch_list l;
    struct err err;
    if (fetch_list_parse("f", (const char *)data, size, &l, &err) < 0)
        return 0;
    for (int i = 0; i < l.n; i++) {
        if (l.item[i].path[0] == '/' || strstr(l.item[i].path, "..") == l.item[i].path || strstr(l.item[i].path, "/.."))
            abort();
        fetch_item_check(&l.item[i], (const char *)data, size, &err);
    }
    fetch_list_free(&l);
    return 0;
}
