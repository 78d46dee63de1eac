/* mpi_witness.c - preloaded into the ranks of a test: which threads call MPI, whether anything is sent once a rank has begun to abort, and
 * what a rank burns.
 *   WITNESS=FILE           each rank appends a line when it ends: asked for THREAD LEVEL, N calls, N of other threads, N after abort;
 *                          and its CPU and wall time between start and end
 *   WITNESS_GRANTS=LEVEL   MPI_Init_thread() grants that level, whatever was asked for */
#define _GNU_SOURCE
#include <fcntl.h>
#include <mpi.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static atomic_int n_calls, n_of_others, n_late, aborted;
static int asked = -1;
static double cpu, wall;                 /* at the start, ms */

static double ms(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void note(void)
{
    n_calls++;
    n_of_others += gettid() != getpid();
    n_late += aborted;
}

static void tell(const char *end)
{
    char line[200];
    const char *path = getenv("WITNESS");
    const double burnt = ms(CLOCK_PROCESS_CPUTIME_ID) - cpu, passed = ms(CLOCK_MONOTONIC) - wall;
    const int n = snprintf(line, sizeof line, "%s: level %d, calls %d, others %d, late %d; rank %s cpu %.0f wall %.0f\n", end, asked,
                           n_calls, n_of_others, n_late, getenv("OMPI_COMM_WORLD_RANK"), burnt, passed);
    const int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (fd < 0 || write(fd, line, (size_t)n) != n)
        fprintf(stderr, "witness: %s", line);
    close(fd);
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided)
{
    const char *grants = getenv("WITNESS_GRANTS");
    const int rc = PMPI_Init_thread(argc, argv, required, provided);
    asked = required == MPI_THREAD_SINGLE ? 0 : required == MPI_THREAD_FUNNELED ? 1 : required == MPI_THREAD_SERIALIZED ? 2 : 3;
    if (grants)
        *provided = atoi(grants) ? MPI_THREAD_MULTIPLE : MPI_THREAD_SINGLE;
    cpu = ms(CLOCK_PROCESS_CPUTIME_ID);
    wall = ms(CLOCK_MONOTONIC);
    return rc;
}

int MPI_Finalize(void)
{
    tell("finalized");
    return PMPI_Finalize();
}

/* The others have a second to say something: threads of a rank do not end before MPI ends it. */
int MPI_Abort(MPI_Comm c, int code)
{
    aborted = 1;
    sleep(1);
    tell("aborted");
    return PMPI_Abort(c, code);
}

#define WITNESS(name, params, args) int name params { note(); return P##name args; }
WITNESS(MPI_Isend, (const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r), (b, n, t, to, tag, c, r))
WITNESS(MPI_Recv, (void *b, int n, MPI_Datatype t, int from, int tag, MPI_Comm c, MPI_Status *s), (b, n, t, from, tag, c, s))
WITNESS(MPI_Imrecv, (void *b, int n, MPI_Datatype t, MPI_Message *m, MPI_Request *r), (b, n, t, m, r))
WITNESS(MPI_Iprobe, (int from, int tag, MPI_Comm c, int *f, MPI_Status *s), (from, tag, c, f, s))
WITNESS(MPI_Improbe, (int from, int tag, MPI_Comm c, int *f, MPI_Message *m, MPI_Status *s), (from, tag, c, f, m, s))
WITNESS(MPI_Test, (MPI_Request *r, int *f, MPI_Status *s), (r, f, s))
WITNESS(MPI_Ibcast, (void *b, int n, MPI_Datatype t, int root, MPI_Comm c, MPI_Request *r), (b, n, t, root, c, r))
WITNESS(MPI_Iallreduce, (const void *a, void *b, int n, MPI_Datatype t, MPI_Op o, MPI_Comm c, MPI_Request *r), (a, b, n, t, o, c, r))
WITNESS(MPI_Ibarrier, (MPI_Comm c, MPI_Request *r), (c, r))
