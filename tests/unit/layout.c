/* layout.c - cores divided among the ranks of a node, as the pure function sees machines that we do not have. */
#include "mtbench/layout.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RANKS = 8, MAX_THREADS = 64 };

struct machine { const char *name; int n_cores, per_core; bool siblings_far; };    /* far: CPU i and i + n_cores share a core */

static struct layout_share share[MAX_RANKS];
static int cpu[MAX_RANKS * MAX_THREADS];

/* masks: one string per rank, "0-3,8" */
static void set_mask(unsigned char *mask, const char *list)
{
    memset(mask, 0, 16);
    while (*list) {
        char *end;
        long a = strtol(list, &end, 10), b = *end == '-' ? strtol(end + 1, &end, 10) : a;
        for (long i = a; i <= b; i++)
            mask[i / 8] |= (unsigned char)(1 << (i % 8));
        list = *end == ',' ? end + 1 : end;
    }
}

static void divide(const struct machine *m, int n_ranks, const char *const *list, int quota, int threads)
{
    static unsigned char bits[MAX_RANKS][16];
    const unsigned char *mask[MAX_RANKS];
    struct layout_cpu list_cpu[128];
    int n = 0;
    for (int c = 0; c < m->n_cores; c++)
        for (int s = 0; s < m->per_core; s++, n++)
            list_cpu[n] = (struct layout_cpu){ m->siblings_far ? c + s * m->n_cores : n, c };
    for (int r = 0; r < n_ranks; r++) {
        set_mask(bits[r], list[r]);
        mask[r] = bits[r];
    }
    memset(cpu, 0xff, sizeof cpu);
    struct layout_node node = { .n_cpus = n, .cpu = list_cpu, .n_ranks = n_ranks, .mask = mask, .mask_bytes = 16, .quota = quota };
    node.threads = threads;
    layout_divide(&node, share, cpu, MAX_THREADS);
}

/* "2@0,1 2@2,3": threads and CPUs per rank; "-" not pinned; "!" oversubscribed. */
static const char *said(int n_ranks)
{
    static char text[400];
    int len = 0;
    for (int r = 0; r < n_ranks; r++) {
        len += sprintf(text + len, "%s%d", r ? " " : "", share[r].n_threads);
        if (!share[r].pinned)
            len += sprintf(text + len, "-");
        for (int i = 0; share[r].pinned && i < share[r].n_threads; i++)
            len += sprintf(text + len, "%c%d", i ? ',' : '@', cpu[r * MAX_THREADS + i]);
        if (share[r].oversubscribed)
            len += sprintf(text + len, "!");
    }
    return text;
}

static const struct machine plain2 = { "2 cores", 2, 1, false }, plain8 = { "8 cores", 8, 1, false };
static const struct machine smt4 = { "4 cores of 2 threads", 4, 2, true }, near4 = { "4 cores of 2 adjacent threads", 4, 2, false };

static const struct {
    const struct machine *m;
    int n_ranks;
    const char *mask[MAX_RANKS];
    int quota, threads;
    const char *said;
} table[] = {
    { &plain2, 1, { "0-1" }, 0, 0, "2@0,1" },
    { &plain2, 2, { "0-1", "0-1" }, 0, 0, "1@0 1@1" },
    { &plain2, 2, { "0", "1" }, 0, 0, "1@0 1@1" },
    { &plain2, 3, { "0-1", "0-1", "0-1" }, 0, 0, "1-! 1-! 1-!" },
    { &plain2, 2, { "0", "0" }, 0, 0, "1-! 1-!" },
    { &plain2, 1, { "1" }, 0, 0, "1@1" },
    { &plain8, 3, { "0-7", "0-7", "0-7" }, 0, 0, "3@0,1,2 3@3,4,5 2@6,7" },
    { &plain8, 2, { "0-3", "4-7" }, 0, 0, "4@0,1,2,3 4@4,5,6,7" },
    { &plain8, 4, { "0-3", "0-3", "4-7", "4-7" }, 0, 0, "2@0,1 2@2,3 2@4,5 2@6,7" },
    { &plain8, 2, { "2-5", "2-5" }, 0, 0, "2@2,3 2@4,5" },
    { &plain8, 1, { "0-7" }, 0, 3, "3@0,1,2" },
    { &plain8, 2, { "0-7", "0-7" }, 0, 8, "8-! 8-!" },
    { &plain8, 1, { "0-7" }, 0, 9, "9-!" },
    { &plain8, 1, { "0-7" }, 2, 0, "2-" },
    { &plain8, 2, { "0-7", "0-7" }, 4, 0, "2- 2-" },
    { &plain8, 4, { "0-7", "0-7", "0-7", "0-7" }, 2, 0, "1-! 1-! 1-! 1-!" },
    { &plain8, 1, { "0-7" }, 8, 0, "8@0,1,2,3,4,5,6,7" },
    { &plain8, 2, { "0-7", "0-7" }, 64, 0, "4@0,1,2,3 4@4,5,6,7" },
    { &smt4, 1, { "0-7" }, 0, 0, "4@0,1,2,3" },
    { &smt4, 2, { "0-7", "0-7" }, 0, 0, "2@0,1 2@2,3" },
    { &smt4, 2, { "0-1,4-5", "2-3,6-7" }, 0, 0, "2@0,1 2@2,3" },
    { &smt4, 1, { "4-7" }, 0, 0, "4@4,5,6,7" },
    { &near4, 1, { "0-7" }, 0, 0, "4@0,2,4,6" },
    { &near4, 2, { "0-7", "0-7" }, 0, 0, "2@0,2 2@4,6" },
    { &plain8, 2, { "0-7", "0-3" }, 0, 0, "4@4,5,6,7 4@0,1,2,3" },
    { &plain8, 3, { "0-3", "0-3", "4" }, 0, 0, "2@0,1 2@2,3 1@4" },
    { &plain8, 3, { "0-1", "1-2", "2-3" }, 0, 0, "2@0,1 1@2 1@3" },
};

int main(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        divide(table[i].m, table[i].n_ranks, table[i].mask, table[i].quota, table[i].threads);
        ok(!strcmp(said(table[i].n_ranks), table[i].said), "row %zu, %s: %s (expected %s)", i, table[i].m->name,
           said(table[i].n_ranks), table[i].said);
    }
    return done_testing();
}
