/* shared.c - one copy of the weights per node: plain memory for a rank alone, an MPI shared-memory window for several.
 * Containers often have a /dev/shm of 64 MB, where a larger window would die by SIGBUS at first touch. There the leader makes an
 * anonymous file instead, which no file system limits, and the others open it through /proc. */
#include "mtbench/shared.h"

#include "job_priv.h"
#include "mtbench/mem.h"
#include "mtbench/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct shared {
    void *base;
    size_t bytes;
    bool window;
    MPI_Win win;
};

enum { ALIGN = 4096 };

static const char *in_words(double bytes, char text[32])
{
    snprintf(text, 32, bytes < 1e10 ? "%.0f MB" : "%.1f GB", bytes < 1e10 ? bytes / 1e6 : bytes / 1e9);
    return text;
}

static int check_room(const struct job *job, size_t bytes, struct err *err)
{
    uint64_t there = memory_available();
    char need[32], have[32];
    /* Leaders only: the memory is the node's, and its other ranks would count it again. */
    if (job->info.local_rank > 0 || bytes <= there)
        return 0;
    return err_set(err, ERR_MEMORY, "weights: need %s of memory, this machine has %s to give; use a smaller model or a quantised one",
                   in_words((double)bytes, need), in_words((double)there, have));
}

/* Whether the file system behind MPI's windows has room for one. The leader's word counts for the node. */
static bool window_fits(const struct job *job, size_t bytes)
{
    const char *dir = getenv("OMPI_MCA_osc_sm_backing_directory");
    struct statvfs fs;
    /* Where the file system says nothing the window is tried. All ranks ask, and only the leader's word goes out. */
    int fits = statvfs(dir ? dir : "/dev/shm", &fs) != 0 || bytes + 2 * ALIGN <= (uint64_t)fs.f_bavail * fs.f_frsize;
    MPI_Bcast(&fits, 1, MPI_INT, 0, job->node);
    return fits;
}

static int take_alone(struct shared *s, struct err *err)
{
    /* NORESERVE: pages come as they are filled; check_room() has seen that there are enough. */
    s->base = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->base == MAP_FAILED) {
        s->base = NULL;
        return err_errno(err, "weights: cannot have %zu bytes of memory", s->bytes);
    }
    madvise(s->base, s->bytes, MADV_HUGEPAGE); /* a hint: fewer misses of the TLB in each matrix product */
    return 0;
}

static int take_window(struct job *job, struct shared *s, struct err *err)
{
    MPI_Aint size = job->info.local_rank == 0 ? (MPI_Aint)s->bytes + ALIGN : 0; /* one segment, the leader's; the others map it */
    int unit;
    void *p;
    /* A window that cannot be had is a message, not the end of the program. */
    MPI_Comm_set_errhandler(job->node, MPI_ERRORS_RETURN);
    int rc = MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, job->node, &p, &s->win);
    MPI_Comm_set_errhandler(job->node, MPI_ERRORS_ARE_FATAL);
    if (rc != MPI_SUCCESS)
        return err_set(err, ERR_MEMORY, "weights: MPI cannot share %zu bytes between the ranks of this node; start one rank per node",
                       s->bytes);
    s->window = true;
    MPI_Win_shared_query(s->win, 0, &size, &unit, &p);
    s->base = (void *)(((uintptr_t)p + ALIGN - 1) / ALIGN * ALIGN);  /* the same place of the segment in every process */
    if (job->info.local_rank == 0)
        madvise(s->base, s->bytes, MADV_HUGEPAGE);
    return 0;
}

struct card { long pid; int fd; dev_t dev; ino_t ino; };  /* how the others find the leader's file, and know that it is the one */

static int open_as(const struct card *c)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%ld/fd/%d", c->pid, c->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_dev != c->dev || st.st_ino != c->ino)) {
        close(fd);
        errno = ENOENT;
        fd = -1;
    }
    return fd;
}

static int take_file(struct job *job, struct shared *s, struct err *err)
{
    struct card card = { .pid = getpid(), .fd = -1 };
    struct stat st;
    int rc = 0;
    /* Where one of these fails the card names no file, all others fail with it, and the next job_agree() says so. */
    if (job->info.local_rank == 0 && (card.fd = memfd_create("mtbench-weights", MFD_CLOEXEC)) >= 0 &&
        ftruncate(card.fd, (off_t)s->bytes) == 0 && fstat(card.fd, &st) == 0) {
        card.dev = st.st_dev;
        card.ino = st.st_ino;
    }
    int own = card.fd;                   /* the broadcast overwrites the card */
    /* From here to the barrier nobody returns: both are collectives of the node, whatever went wrong. */
    MPI_Bcast(&card, sizeof card, MPI_BYTE, 0, job->node);
    int fd = job->info.local_rank == 0 ? own : open_as(&card);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    /* Also on ranks that could not open it: all go through the barrier below. */
    if (p == MAP_FAILED)
        rc = err_errno(err, "weights: /dev/shm is too small for the ranks of this node to share them, and the way around it failed; "
                       "enlarge /dev/shm (docker run --shm-size=...) or start one rank per node");
    else
        s->base = p;
    /* the mapping keeps the memory, the descriptor is not needed for it */
    if (job->info.local_rank > 0 && fd >= 0)
        close(fd);
    MPI_Barrier(job->node);              /* the leader's file must be open until all have it */
    if (own >= 0)
        close(own);
    return rc;
}

static int take(struct job *job, struct shared *s, struct err *err)
{
    if (job->info.local_size == 1)
        return take_alone(s, err);
    return window_fits(job, s->bytes) ? take_window(job, s, err) : take_file(job, s, err);
}

struct shared *shared_create(struct job *job, size_t bytes, struct err *err)
{
    struct shared *s = xcalloc(1, sizeof *s);
    s->bytes = bytes ? bytes : 1;        /* nothing cannot be mapped */
    int rc = job_agree(job, check_room(job, bytes, err), err);
    if (rc == 0)
        /* Each way below reaches its collectives on every rank of the node before it reports. */
        rc = job_agree(job, take(job, s, err), err);
    if (rc == 0)
        return s;
    s->window = false;                   /* freeing one is collective, and a rank that failed may have none: it ends with the job */
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
