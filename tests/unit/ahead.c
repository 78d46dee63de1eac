/* ahead.c - files read ahead: how many bytes, whose chunks, and what ends it. */
#include "mtbench/ahead.h"

#include "mtbench/stage.h"

#include "tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { A = 2 * STAGE_CHUNK + 1000, B = STAGE_CHUNK / 2 };

static char folder[] = "/tmp/ahead-XXXXXX", path[3][64];

static void make(const char *name, size_t n)
{
    char *bytes = calloc(n, 1);
    const int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (fd < 0 || !bytes || write(fd, bytes, n) != (ssize_t)n)
        abort();
    close(fd);
    free(bytes);
}

/* What all of it comes to, left to end by itself. */
static uint64_t read_all(int n, int node, int n_nodes, uint64_t most)
{
    const char *const names[] = { path[0], path[1], path[2] };
    const uint64_t size[] = { A, B, 10 };
    const struct ahead_opts o = { .path = names, .size = size, .n = n, .most = most, .node = node, .n_nodes = n_nodes };
    struct ahead *a = ahead_begin(&o);
    while (ahead_busy(a))
        usleep(1000);
    return ahead_end(a);
}

int main(void)
{
    if (!mkdtemp(folder))
        abort();
    for (int i = 0; i < 3; i++)
        snprintf(path[i], sizeof path[i], "%s/%d", folder, i);
    make(path[0], A);
    make(path[1], B);
    uint64_t n = read_all(2, 0, 1, UINT64_MAX);
    ok(n == A + B, "one node reads all: %llu", (unsigned long long)n);
    n = read_all(2, 0, 2, UINT64_MAX);
    ok(n == STAGE_CHUNK + 1000, "the first of two nodes reads chunks 0 and 2: %llu", (unsigned long long)n);
    n = read_all(2, 1, 2, UINT64_MAX);
    ok(n == STAGE_CHUNK + B, "the second one chunks 1 and 3: %llu", (unsigned long long)n);
    n = read_all(2, 0, 1, 3 << 20);
    ok(n == 3 << 20, "no more than is allowed: %llu", (unsigned long long)n);
    ok(read_all(2, 0, 1, 0) == 0, "nothing, where nothing is");
    n = read_all(3, 0, 1, UINT64_MAX);
    ok(n == A + B, "a file that is not there ends it: %llu", (unsigned long long)n);
    ok(ahead_end(NULL) == 0, "none was begun");
    for (int i = 0; i < 2; i++)
        unlink(path[i]);
    rmdir(folder);
    return done_testing();
}
