/* comm_probe.c - a tensor group of ranks, driven by tests/run/comm.t under mpirun: sums, columns and messages; a model of which each rank
 * has a share, whose digest must not depend on how many there are; and what goes wrong.
 *
 *   comm_probe group | spread [stop RANK | fail RANK | kill RANK | hang RANK | mute 0 | beat 0] */
#include "mtbench/executor.h"
#include "mtbench/hash.h"
#include "mtbench/mem.h"

#include "made_model.h"
#include "parts.h"
#include "spread.h"

#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int rank, who = -1;
static const char *fault = "";

static bool hit(const char *what)
{
    return !strcmp(fault, what) && rank == who;
}

static int fail(const struct err *err)
{
    fprintf(stderr, "rank %d: %s\n", rank, err->text);
    return 1;
}

static int group(struct comm *c)
{
    enum { MOST = 3 * 200001 };           /* more than one piece */
    float *x = xcalloc(MOST, sizeof *x);
    int wrong = 0, all = 0;
    for (int round = 0; round < 40; round++)
        wrong += check_sum(c, x, 1 + round % 7, 1 + 137 * (round % 5), round, round % 3 == 1 ? round % c->size : -1);
    wrong += check_sum(c, x, 3, 200001, 9, -1) + check_columns(c, x) + check_messages(c);
    MPI_Reduce(&wrong, &all, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    if (rank == 0)
        printf("%d ranks, %d wrong\n", c->size, all);
    free(x);
    return 0;
}

static int steps;

/* Asked in each layer of each step. */
static bool interrupted(void *ctx)
{
    (void)ctx;
    steps++;
    if (hit("kill") && steps == 5)
        kill(getpid(), SIGKILL);
    if (hit("hang") && steps == 5)
        nanosleep(&(struct timespec){ .tv_sec = 4 }, NULL);
    return hit("stop") && (steps == 3 || steps == 8);
}

static int bad_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    return steps >= 5 ? err_set(err, ERR_DEVICE, "the device is lost") : executor_cpu.ops->drawn(be, host, token, n, err);
}

/* Two seconds in which member 0 asks for nothing, and (beat) says that it is there. */
static void rest(struct team *t)
{
    struct err err = { 0 };
    for (int i = 0; i < 20 && (hit("mute") || hit("beat")); i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
        if (hit("beat"))
            team_beat(t, &err);
    }
}

static int lead(struct team *t)
{
    struct record got = { 0 };
    char hex[65];
    rest(t);
    spread_run(t, &got);
    team_end(t);
    if (got.failed)
        return fail(&got.err);
    sha256_hex(got.b.data, got.b.len, hex);
    printf("%s\n", hex);
    fprintf(stderr, "interrupted %d times\n", got.interrupted);
    buf_free(&got.b);
    return 0;
}

static int follow(struct team *t)
{
    struct err err = { 0 };
    int rc = team_start(t, &spread_sizes, &err);
    while (rc == 0 || rc == TEAM_FOLLOWED)
        rc = team_follow(t, &err);
    team_stop(t);
    return rc == TEAM_ENDED ? 0 : fail(&err);
}

static int spread(struct comm *c)
{
    static const struct made made = { .type = DT_BF16, .layers = 2, .dim = 64, .heads = 8, .kv = 2, .head_dim = 32, .ff = 512, .vocab = 300,
                                      .bias = true };
    struct memory files = { 0 };
    struct err err = { 0 };
    made_files(&files, &made);
    const struct source s = memory_source(&files);
    const struct executor *x = &executor_cpu;
    struct ops bad = *x->ops;
    bad.drawn = bad_drawn;
    struct model *m = model_open(&s, hit("fail") ? &bad : x->ops, &(struct model_share){ c->rank, c->size }, &err);
    if (!m || !(m->be = x->open(&(struct executor_opts){ .threads = 1, .max_rows = 64, .max_k = 1024, .crowded = true }, &err)))
        return fail(&err);
    struct backend *be = m->be;
    void *packed = x->ops->alloc(be, m->packed_bytes, &err);
    model_attach(m, packed);
    struct team *t = NULL;
    int rc = -1;
    if (model_load(&m, 1, &s, &err) == 0)
        t = team_create(&(struct team_opts){ .member = &m, .n = 1, .comm = c, .crowded = true, .interrupted = interrupted,
                                             .patience = strcmp(fault, "mute") && strcmp(fault, "beat") ? 0 : 0.3 }, &err);
    if (t)
        rc = team_leads(t) ? lead(t) : follow(t);
    team_destroy(t);
    x->ops->release(be, packed, m->packed_bytes);
    model_close(m);
    x->close(be);
    memory_free(&files);
    return t ? rc : fail(&err);
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    int got, rc;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &got);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (argc > 3)
        fault = argv[2], who = atoi(argv[3]);
    MPI_Comm world = MPI_COMM_WORLD;
    struct comm *c = comm_mpi(&world, &(struct comm_opts){ .crowded = true, .patience = strcmp(fault, "hang") ? 0 : 1 }, &err);
    if (!c) {
        rc = fail(&err);
    } else if (argc > 1 && !strcmp(argv[1], "group")) {
        rc = group(c);
        comm_close(c);
    } else {
        rc = spread(c);
    }
    MPI_Finalize();
    return rc;
}
