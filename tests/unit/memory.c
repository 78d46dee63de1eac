/* memory.c - limits of control groups, in a folder that looks like /sys/fs/cgroup. */
#include "mtbench/memory.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static char root[] = "/tmp/mtbench-memory-XXXXXX";

static void put(const char *file, const char *text)
{
    struct err err;
    char *path = xasprintf("%s/%s", root, file);
    if (io_make_parents(path, &err) < 0 || io_replace(path, text, strlen(text), &err) < 0)
        ok(0, "%s", err.text);
    free(path);
}

static const struct { const char *groups; uint64_t room; const char *what; } table[] = {
    { "0::/\n", UINT64_MAX, "no limit" },
    { "0::/slurm/job_7/step_0\n", 4000, "the limit lies on the group above: 5000 less 2000, of which 1000 are page cache" },
    { "0::/slurm/job_8\n", 0, "more used than the limit allows" },
    { "0::/elsewhere/deep\n", UINT64_MAX, "a group that is not visible here" },
    { "12:cpu,cpuacct:/slurm/job_7\n4:pids:/x\n", UINT64_MAX, "version 1, other controllers only" },
    { "12:cpu,cpuacct:/\n5:hugetlb,memory:/user/a\n0::/\n", 600, "version 1: 1000 less 500, of which 100 are page cache" },
    { "5:memoryless:/user/a\n", UINT64_MAX, "a controller whose name only begins like it" },
    { "5:memory:/user/a/b/c", 600, "version 1, groups below one with a limit, no newline" },
    { "", UINT64_MAX, "nothing" },
    { "garbage\n::\n0:", UINT64_MAX, "garbage" },
};

int main(void)
{
    if (!mkdtemp(root))
        return 1;
    put("memory.stat", "anon 5\n");
    put("slurm/job_7/memory.max", "5000\n");
    put("slurm/job_7/memory.current", "2000\n");
    put("slurm/job_7/memory.stat", "anon 1000\ninactive_file 700\nactive_file 300\n");
    put("slurm/job_7/step_0/memory.max", "max\n");
    put("slurm/job_7/step_0/memory.current", "2000\n");
    put("slurm/job_8/memory.max", "100\n");
    put("slurm/job_8/memory.current", "101\n");
    put("memory/memory.limit_in_bytes", "9223372036854771712\n");
    put("memory/memory.usage_in_bytes", "100000\n");
    put("memory/user/a/memory.limit_in_bytes", "1000\n");
    put("memory/user/a/memory.usage_in_bytes", "500\n");
    put("memory/user/a/memory.stat", "total_inactive_file 60\ntotal_active_file 40\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint64_t room = memory_group_room(root, table[i].groups), limit = (uint64_t)1 << 62;
        ok(table[i].room == UINT64_MAX ? room > limit : room == table[i].room, "%s (%llu)", table[i].what, (unsigned long long)room);
    }
    ok(memory_available() > 1 << 20 && memory_available() < (uint64_t)1 << 50, "this machine has %llu MB to give",
       (unsigned long long)(memory_available() >> 20));
    volatile char *block = xcalloc(256 << 20, 1);
    uint64_t before = memory_peak();
    for (size_t i = 0; i < 256 << 20; i += 4096)
        block[i] = 1;
    ok(memory_peak() >= before + (128 << 20), "the peak follows what is touched: %llu MB", (unsigned long long)(memory_peak() >> 20));
    free((void *)block);
    char *clean = xasprintf("rm -r '%s'", root);
    ok(system(clean) == 0, "cleaned up");
    free(clean);
    return done_testing();
}
