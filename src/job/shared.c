/* shared.c - one copy of the weights per node: an MPI shared-memory window, or plain memory for a rank alone.
 * Size is checked before, since a shared-memory file system that is too small kills with SIGBUS at first touch. */
#include "mtbench/shared.h"

#include "job_priv.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

struct shared {
    void *base;
    size_t bytes;
    bool window;
    MPI_Win win;
};

enum { ALIGN = 4096 };

static uint64_t number_in(const char *path, const char *key)
{
    FILE *f = fopen(path, "re");
    char line[256];
    unsigned long long v = UINT64_MAX;
    size_t k = strlen(key);
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, k) && sscanf(line + k, "%llu", &v) == 1)
            break;
    if (f)
        fclose(f);
    return v;
}

/* The room under one limit of a control group; no limit is a huge number or the word "max". */
static uint64_t room(const char *limit, const char *used)
{
    uint64_t most = number_in(limit, ""), now = number_in(used, "");
    return most == UINT64_MAX || now == UINT64_MAX ? UINT64_MAX : most > now ? most - now : 0;
}

uint64_t memory_available(void)
{
    uint64_t kib = number_in("/proc/meminfo", "MemAvailable:");
    uint64_t least = kib == UINT64_MAX ? kib : kib << 10;
    uint64_t v2 = room("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current");
    uint64_t v1 = room("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes");
    least = v2 < least ? v2 : least;
    return v1 < least ? v1 : least;
}

static int check_room(const struct job *job, size_t bytes, struct err *err)
{
    uint64_t free_bytes = memory_available();
    if (job->info.local_rank > 0)
        return 0;
    if (bytes > free_bytes)
        return err_set(err, ERR_MEMORY, "weights: need %.1f GB of memory, this machine has %.1f GB to give; use a smaller model or a quantised one",
                       (double)bytes / 1e9, (double)free_bytes / 1e9);
    if (job->info.local_size == 1)
        return 0;
    const char *dir = getenv("OMPI_MCA_osc_sm_backing_directory");
    struct statvfs fs;
    if (!dir)
        dir = "/dev/shm";
    if (statvfs(dir, &fs) == 0 && bytes > (uint64_t)fs.f_bavail * fs.f_frsize)
        return err_set(err, ERR_MEMORY, "%s: the ranks of this node share %.1f GB of weights, it has room for %.1f GB; start one rank per node, or "
                       "enlarge it (docker run --shm-size=..., mount -o remount,size=...)", dir, (double)bytes / 1e9,
                       (double)fs.f_bavail * (double)fs.f_frsize / 1e9);
    return 0;
}

static int take_alone(struct shared *s, struct err *err)
{
    s->base = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->base == MAP_FAILED) {
        s->base = NULL;
        return err_errno(err, "weights: cannot have %.1f GB of memory", (double)s->bytes / 1e9);
    }
    madvise(s->base, s->bytes, MADV_HUGEPAGE);
    return 0;
}

static int take_window(struct job *job, struct shared *s, struct err *err)
{
    MPI_Aint size = job->info.local_rank == 0 ? (MPI_Aint)s->bytes + ALIGN : 0;
    int unit;
    void *p;
    MPI_Comm_set_errhandler(job->node, MPI_ERRORS_RETURN);
    int rc = MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, job->node, &p, &s->win);
    MPI_Comm_set_errhandler(job->node, MPI_ERRORS_ARE_FATAL);
    if (rc != MPI_SUCCESS)
        return err_set(err, ERR_MEMORY, "weights: MPI cannot share %.1f GB between the ranks of this node; start one rank per node", (double)s->bytes / 1e9);
    s->window = true;
    MPI_Win_shared_query(s->win, 0, &size, &unit, &p);
    s->base = (void *)(((uintptr_t)p + ALIGN - 1) / ALIGN * ALIGN);  /* the same place of the segment in every process */
    if (job->info.local_rank == 0)
        madvise(s->base, s->bytes, MADV_HUGEPAGE);
    return 0;
}

struct shared *shared_create(struct job *job, size_t bytes, struct err *err)
{
    struct shared *s = xcalloc(1, sizeof *s);
    s->bytes = bytes ? bytes : 1;
    int rc = job_agree(job, check_room(job, bytes, err), err);
    if (rc == 0)
        rc = job_agree(job, job->info.local_size == 1 ? take_alone(s, err) : take_window(job, s, err), err);
    if (rc == 0)
        return s;
    shared_destroy(s);
    return NULL;
}

void *shared_base(const struct shared *s)
{
    return s->base;
}

void shared_destroy(struct shared *s)
{
    if (!s)
        return;
    if (s->window)
        MPI_Win_free(&s->win);
    else if (s->base)
        munmap(s->base, s->bytes);
    free(s);
}
