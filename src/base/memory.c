/* memory.c - limits on memory: the machine's, and those of control groups. A job step of Slurm lies some groups deep, and the limit may be
 * on any of them; in a container, what it sees as the root is its own group. */
#include "mtbench/memory.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number behind 'key' at the beginning of a line of a file; UINT64_MAX if there is none ("max" is none). */
static uint64_t number_in(const char *path, const char *key)
{
    FILE *f = fopen(path, "re");
    char line[256];
    unsigned long long v = UINT64_MAX;
    size_t k = strlen(key);
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, k) && sscanf(line + k, "%llu", &v) == 1) /* a file that is not there, and "max", leave it as it is */
            break;
    if (f)
        fclose(f);
    return v;
}

/* The names that the two versions have for the same. */
static const struct names { const char *folder, *limit, *used, *inactive, *active; } version[] = {
    { "", "memory.max", "memory.current", "inactive_file ", "active_file " },
    /* total_: with the groups below it, as the limit counts them */
    { "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ", "total_active_file " },
};

static uint64_t number_at(const char *folder, const char *file, const char *key)
{
    char *path = xasprintf("%s/%s", folder, file);
    uint64_t v = number_in(path, key);
    free(path);
    return v;
}

static uint64_t room_of(const char *folder, const struct names *n)
{
    uint64_t most = number_at(folder, n->limit, ""), used = number_at(folder, n->used, "");
    /* No limit, or not told: this group holds nobody back. */
    if (most == UINT64_MAX || used == UINT64_MAX)
        return UINT64_MAX;
    const char *key[] = { n->inactive, n->active };
    /* Cache is given up before anything is killed, a model's own file above all; without this a model that fits is refused. */
    for (int i = 0; i < 2; i++) {
        uint64_t cache = number_at(folder, "memory.stat", key[i]);
        used -= cache == UINT64_MAX ? 0 : cache < used ? cache : used; /* the numbers are of different moments: never below 0 */
    }
    return most > used ? most - used : 0;
}

/* The group and all above it, up to the root. */
static uint64_t room_up(const char *root, const char *group, size_t n, const struct names *names)
{
    uint64_t least = UINT64_MAX;
    char *folder = xasprintf("%s%s%.*s", root, names->folder, (int)n, group); /* the group "/" ends in a slash */
    size_t top = strlen(root) + strlen(names->folder);
    for (;;) {
        uint64_t room = room_of(folder, names);
        least = room < least ? room : least;
        if (strlen(folder) <= top)       /* the root was looked at last */
            break;
        char *slash = strrchr(folder, '/');
        *(slash < folder + top ? folder + top : slash) = '\0'; /* one group up; the root itself is looked at last */
    }
    free(folder);
    return least;
}

static bool lists_memory(const char *controllers, size_t n)
{
    for (const char *p = controllers; p < controllers + n;) {
        size_t k = strcspn(p, ",:");
        if (k == strlen("memory") && !memcmp(p, "memory", k))
            return true;
        p += k + 1;
    }
    return false;
}

uint64_t memory_group_room(const char *root, const char *groups)
{
    uint64_t least = UINT64_MAX;
    for (const char *line = groups; *line;) {
        size_t n = strcspn(line, "\n");
        /* ID:CONTROLLERS:PATH; a path may hold colons, so only the first two count. */
        const char *first = memchr(line, ':', n), *second = first ? memchr(first + 1, ':', n - (size_t)(first + 1 - line)) : NULL;
        if (second) {
            bool unified = second == first + 1; /* "0::PATH": version 2, one tree for all controllers */
            const char *group = second + 1;
            if (unified || lists_memory(first + 1, (size_t)(second - first - 1))) {
                uint64_t room = room_up(root, group, (size_t)(line + n - group), &version[!unified]);
                least = room < least ? room : least;
            }
        }
        line += n + (line[n] == '\n');
    }
    return least;
}

uint64_t memory_available(void)
{
    /* MemAvailable counts the cache that the kernel would give up. */
    uint64_t kib = number_in("/proc/meminfo", "MemAvailable:"), least = kib == UINT64_MAX ? kib : kib << 10;
    /* Without that file there are no control groups. */
    struct buf groups = {0};
    if (io_read("/proc/self/cgroup", &groups, NULL) == 0) {
        uint64_t room = memory_group_room("/sys/fs/cgroup", groups.data);
        least = room < least ? room : least;
    }
    buf_free(&groups);
    return least;
}

uint64_t memory_total(void)
{
    uint64_t kib = number_in("/proc/meminfo", "MemTotal:");
    return kib == UINT64_MAX ? 0 : kib << 10;
}

uint64_t memory_peak(void)
{
    uint64_t kib = number_in("/proc/self/status", "VmHWM:");
    return kib == UINT64_MAX ? 0 : kib << 10;
}
