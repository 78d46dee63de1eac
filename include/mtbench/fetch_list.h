/* fetch_list.h - what `fetch` may bring: files by path, address, size and hash (room: bench). */
#ifndef MTB_FETCH_LIST_H
#define MTB_FETCH_LIST_H

#include "mtbench/err.h"

#include <stddef.h>
#include <stdint.h>

struct fetch_item {
    char *sha256;                        /* 64 lower-case hex digits; NULL: unknown */
    int64_t size;                        /* bytes; -1: unknown */
    char *path;                          /* relative, without "..": below the data folder, and below a mirror */
    char *url;                           /* http or https */
};

struct fetch_list {
    struct fetch_item *item;
    int n;
};

/* "SHA-256 BYTES PATH URL" a line, '-' for an unknown hash or size; lines that are blank or begin with '#' are remarks. Without a hash
 * only .jsonl files can be checked, so others need one. 'name' stands in messages. -1: err (format, with the line); nothing is to be
 * released then. */
int fetch_list_parse(const char *name, const char *text, size_t n, struct fetch_list *out, struct err *err);
void fetch_list_free(struct fetch_list *l);

/* Is this what the item must be? Size and hash where they are known; without a hash each line has to be a JSON value. -1: err (format). */
int fetch_item_check(const struct fetch_item *item, const char *data, size_t n, struct err *err);

#endif
