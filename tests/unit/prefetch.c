/* prefetch.c - chunks read ahead by a thread: right bytes in any order, errors of the chunk that has them, nothing read twice in order. */
#include "../../src/job/prefetch.h"

#include "mtbench/stage.h"
#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_FILES = 4 };
static const uint64_t size[N_FILES] = { 9u << 20, 0, STAGE_CHUNK, 7 };     /* 3, 0, 1, 1 chunks */
static char name[N_FILES][32];
static const char *path[N_FILES];

static unsigned char byte_at(int file, uint64_t off)
{
    return (unsigned char)((off * 2654435761u + (uint64_t)file * 97) >> 13);
}

static void write_files(void)
{
    unsigned char *data = malloc(size[0]);
    for (int f = 0; f < N_FILES; f++) {
        strcpy(name[f], "/tmp/mtbench-prefetch-XXXXXX");
        path[f] = name[f];
        int fd = mkstemp(name[f]);
        for (uint64_t i = 0; i < size[f]; i++)
            data[i] = byte_at(f, i);
        if (fd < 0 || write(fd, data, size[f]) != (ssize_t)size[f])
            ok(0, "files can be written to /tmp");
        close(fd);
    }
    free(data);
}

static bool right(const struct grid *g, long chunk, const unsigned char *data)
{
    int f = grid_file(g, chunk);
    uint64_t off = (uint64_t)(chunk - g->first[f]) * STAGE_CHUNK;
    for (size_t i = 0; i < grid_bytes(g, chunk); i++)
        if (data[i] != byte_at(f, off + i))
            return false;
    return true;
}

/* Take the chunks in this order; -1 ends the list. Returns how many were right. */
static int take_all(struct grid *g, struct prefetch *p, const long *order)
{
    int good = 0;
    for (; *order >= 0; order++) {
        const unsigned char *data;
        struct err err = {0};
        good += prefetch_take(p, *order, &data, &err) == 0 && right(g, *order, data);
    }
    return good;
}

static void check_orders(void)
{
    static const struct { int reader, n_readers; long order[8]; int n; uint64_t bytes; } table[] = {
        { 0, 1, { 0, 1, 2, 3, 4, -1 }, 5, (9u << 20) + STAGE_CHUNK + 7 },
        { 0, 2, { 0, 2, 4, -1 }, 3, STAGE_CHUNK + (1 << 20) + 7 },
        { 1, 2, { 1, 3, -1 }, 2, 2 * STAGE_CHUNK },
        { 0, 1, { 4, 3, 2, 1, 0, -1 }, 5, 0 },
        { 0, 1, { 0, 3, 1, 4, 2, 2, -1 }, 6, 0 },
        { 1, 3, { 4, 1, 4, -1 }, 3, 0 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct grid g;
        unsigned char *skip[8] = {0};
        grid_init(&g, path, size, N_FILES);
        struct prefetch *p = prefetch_create(&g, table[i].reader, table[i].n_readers, skip);
        int good = take_all(&g, p, table[i].order);
        prefetch_destroy(p);
        ok(good == table[i].n, "order %zu: %d of %d chunks right", i, good, table[i].n);
        if (table[i].bytes)
            ok(grid_bytes_read(&g) == table[i].bytes, "order %zu: each byte read once", i);
        grid_fini(&g);
    }
}

static void check_spans(void)
{
    static const struct { int file; uint64_t off; size_t n; long chunk; size_t from, got; } table[] = {
        { 0, 0, 10, 0, 0, 10 }, { 0, STAGE_CHUNK - 1, 2, 0, STAGE_CHUNK - 1, 1 }, { 0, STAGE_CHUNK, 2, 1, 0, 2 },
        { 0, (9u << 20) - 1, 1, 2, (1 << 20) - 1, 1 },
        { 2, 0, STAGE_CHUNK, 3, 0, STAGE_CHUNK }, { 3, 6, 1, 4, 6, 1 },
        { 0, 9u << 20, 1, -1, 0, 0 }, { 0, (9u << 20) - 1, 2, -1, 0, 0 }, { 1, 0, 1, -1, 0, 0 }, { 3, UINT64_MAX, 7, -1, 0, 0 },
        { 0, 5, SIZE_MAX, -1, 0, 0 },
        { 4, 0, 1, -1, 0, 0 }, { -1, 0, 1, -1, 0, 0 },
    };
    struct grid g;
    grid_init(&g, path, size, N_FILES);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct span s = {0};
        struct err err = {0};
        int rc = grid_span(&g, table[i].file, table[i].off, table[i].n, &s, &err);
        ok(table[i].chunk < 0 ? rc == -1 && err.kind == ERR_FORMAT
                              : rc == 0 && s.chunk == table[i].chunk && s.from == table[i].from && s.n == table[i].got,
           "span %zu: %s", i, rc ? err.text : "in one chunk");
    }
    grid_fini(&g);
}

static void check_errors(void)
{
    struct grid g;
    struct err err = {0};
    unsigned char *skip[8] = {0};
    const unsigned char *data;
    grid_init(&g, path, size, N_FILES);
    if (truncate(path[0], STAGE_CHUNK + 5) < 0)
        ok(0, "a file can be cut");
    struct prefetch *p = prefetch_create(&g, 0, 1, skip);
    ok(prefetch_take(p, 0, &data, &err) == 0 && right(&g, 0, data), "the chunk before the damage is right");
    ok(prefetch_take(p, 1, &data, &err) == -1 && strstr(err.text, "became shorter"), "the damaged chunk fails: %s", err.text);
    ok(prefetch_take(p, 3, &data, &err) == 0 && right(&g, 3, data), "a chunk of another file is right");
    prefetch_destroy(p);
    grid_fini(&g);
    unlink(path[2]);
    grid_init(&g, path, size, N_FILES);
    p = prefetch_create(&g, 0, 1, skip);
    ok(prefetch_take(p, 3, &data, &err) == -1 && strstr(err.text, "cannot open"), "a file that is gone: %s", err.text);
    prefetch_destroy(p);
    p = prefetch_create(&g, 0, 1, skip);
    prefetch_destroy(p);
    prefetch_destroy(NULL);
    grid_fini(&g);
}

int main(void)
{
    write_files();
    check_orders();
    check_spans();
    check_errors();
    for (int f = 0; f < N_FILES; f++)
        unlink(path[f]);
    return done_testing();
}
