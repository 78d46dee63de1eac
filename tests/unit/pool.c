/* pool.c - the threads of a backend: every thread runs each region once, nothing of a region is seen late, and barriers hold. */
#include "src/backend/pool.h"

#include "tap.h"

#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 8, REGIONS = 1000 };

struct region {
    struct pool *pool;
    int n;
    long seen[MAX][16];                  /* plain memory, a line per thread: races would show under a thread sanitizer */
    long sum, wrong;
    atomic_int order;
};

static void count(void *arg, int t)
{
    struct region *r = arg;
    r->seen[t][0]++;
}

static void test_regions(int n, bool crowded)
{
    struct err err = {0};
    struct pool *p = pool_create(n, NULL, crowded, &err);
    struct region r = { .pool = p, .n = n };
    int wrong = 0;
    for (int i = 1; i <= REGIONS; i++) {
        pool_run(p, count, &r);
        for (int t = 0; t < n; t++)
            wrong += r.seen[t][0] != i;
        if (i % 300 == 0)
            nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);    /* long enough to fall asleep */
    }
    ok(p && pool_size(p) == n && wrong == 0, "%d threads%s: %d regions, each on every thread, done when pool_run() returns", n,
       crowded ? " on a crowded machine" : "", REGIONS);
    pool_destroy(p);
}

/* Each thread writes, waits, and reads what its neighbour wrote. */
static void stages(void *arg, int t)
{
    struct region *r = arg;
    for (int i = 0; i < 200; i++) {
        r->seen[t][0] = i * 100 + t;
        pool_barrier(r->pool);
        int next = (t + 1) % r->n;
        if (r->seen[next][0] != i * 100 + next)
            r->seen[t][1]++;
        pool_barrier(r->pool);
    }
}

static void test_barrier(int n, bool crowded)
{
    struct pool *p = pool_create(n, NULL, crowded, NULL);
    struct region r = { .pool = p, .n = n };
    for (int i = 0; i < 5; i++)
        pool_run(p, stages, &r);
    for (int t = 0; t < n; t++)
        r.wrong += r.seen[t][1];
    ok(r.wrong == 0, "%d threads%s: 2000 barriers hold", n, crowded ? " on a crowded machine" : "");
    pool_destroy(p);
}

static void where(void *arg, int t)
{
    struct region *r = arg;
    cpu_set_t set;
    sched_getaffinity(0, sizeof set, &set);
    r->seen[t][0] = CPU_COUNT(&set) == 1 ? sched_getcpu() : -1;
}

static void test_pinned(void)
{
    cpu_set_t before;
    int cpu[2], k = 0;
    sched_getaffinity(0, sizeof before, &before);
    for (int i = 0; i < CPU_SETSIZE && k < 2; i++)
        if (CPU_ISSET((size_t)i, &before))
            cpu[k++] = i;
    if (k < 2) {
        skip(1, "one core only");
        return;
    }
    struct pool *p = pool_create(2, (int[]){ cpu[1], cpu[0] }, false, NULL);
    struct region r = { .pool = p, .n = 2 };
    pool_run(p, where, &r);
    ok(r.seen[0][0] == cpu[1] && r.seen[1][0] == cpu[0], "threads run where they were pinned");
    pool_destroy(p);
    sched_setaffinity(0, sizeof before, &before);
}

static int threads_now(void)
{
    DIR *d = opendir("/proc/self/task");
    int n = -2;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

int main(void)
{
    pool_destroy(pool_create(2, NULL, false, NULL));                                 /* a sanitizer's own thread begins with the first */
    const int before = threads_now();
    for (int n = 1; n <= MAX; n = n < 3 ? n + 1 : n + 5)
        test_regions(n, n == MAX);
    for (int n = 1; n <= 4; n++)
        test_barrier(n, false);
    test_regions(3, true);
    test_barrier(3, true);
    test_barrier(MAX, true);
    test_pinned();
    for (int i = 0; i < 200; i++)
        pool_destroy(pool_create(3, NULL, false, NULL));
    pool_destroy(NULL);
    ok(threads_now() == before, "made and destroyed 200 times, without work: no thread is left");
    return done_testing();
}
