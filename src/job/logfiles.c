/* logfiles.c - who writes which log file. Rank 0 takes a name for all by making its own file under it, which also works where file systems
 * have no locks. */
#include "mtbench/logfiles.h"

#include "mtbench/io.h"
#include "mtbench/jobname.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

void logfiles_name(const struct job_info *in, char name[300])
{
    const struct jobname *own = jobname_own();
    if (*own->name)
        snprintf(name, 300, "%s", own->name);
    else
        snprintf(name, 300, "%s-%ld", in->host, (long)getpid());
    for (char *c = name; *c; c++)
        *c = *c == '/' ? '_' : *c;
}

char *logfiles_path(const char *dir, const char *name, int number, int rank)
{
    return number > 1 ? xasprintf("%s/mtbench.%s-%d.%d.log", dir, name, number, rank) : xasprintf("%s/mtbench.%s.%d.log", dir, name, rank);
}

static const char remedy[] = "name a folder that every node can write to";

int logfiles_claim(const char *dir, const char *name, struct err *err)
{
    for (int number = 1;; number++) {
        char *path = logfiles_path(dir, name, number, 0);
        int rc = io_make_parents(path, err), fd = -1;
        if (rc < 0)
            err_wrap(err, "--log-dir");
        /* O_EXCL: of two steps of a job that start side by side one gets it. */
        else if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) < 0 && errno != EEXIST)
            rc = err_errno(err, "--log-dir %s: cannot write there", dir);
        free(path);
        if (fd >= 0)
            close(fd);
        if (rc < 0)
            return err_advise(err, "%s", remedy);
        if (fd >= 0)
            return number;
    }
}

/* Rank 0's word on how the files of this launch are called. */
struct claim { int number; char name[300]; };

static int open_own(const struct job_info *in, const char *dir, const struct claim *c, enum log_level level, struct err *err)
{
    char *path = dir ? logfiles_path(dir, c->name, c->number, in->rank) : NULL;
    int rc = 0;
    /* A folder of the node's own has to be made on each of them. */
    if (path && (rc = io_make_parents(path, err)) < 0)
        err_wrap(err, "--log-dir");
    else if (log_init(level, in->rank == 0, path) < 0)
        rc = err_errno(err, "--log-dir %s: cannot write there", dir);
    free(path);
    return rc < 0 ? err_advise(err, "%s", remedy) : 0;
}

/* What steers the libraries below us; the first thing that is asked about a run that was slow or did not start. Keys are not among them. */
static void log_settings(void)
{
    static const char *const prefix[] = { "CUDA_", "NCCL_", "UCX_", "OMPI_MCA_", "OMP_", "MTBENCH_ISA=", "MTBENCH_DEVICE=" };
    for (char **e = environ; *e; e++)
        for (size_t i = 0; i < sizeof prefix / sizeof *prefix; i++)
            if (!strncmp(*e, prefix[i], strlen(prefix[i])))
                log_file("environment: %s", *e);
}

static void log_identity(const struct job_info *in)
{
    const struct jobname *own = jobname_own();
    log_file("mtbench %s, rank %d of %d on %s%s%s, process %ld", MTB_VERSION, in->rank, in->size, in->host, *own->node ? ", node " : "",
             own->node, (long)getpid());
    if (own->array >= 0)
        log_file("task %ld of array %ld, job %ld, start %ld", own->task, own->array, own->job, own->restart + 1);
    else if (own->job)
        log_file("job %ld, start %ld", own->job, own->restart + 1);
    for (int i = 0; i < own->n_doubts; i++)
        log_file("environment: %s", own->doubt[i]);
    log_settings();
}

int logfiles_open(struct job *job, const char *dir, enum log_level level, struct err *err)
{
    const struct job_info in = job_info(job);
    const struct jobname *own = jobname_own();
    struct claim c = { 0 };
    int rc = 0;
    if (dir && in.rank == 0) {
        logfiles_name(&in, c.name);
        rc = (c.number = logfiles_claim(dir, c.name, err)) < 0 ? -1 : 0;
    }
    if (job_agree(job, rc, err) < 0)
        return -1;
    job_bcast(job, &c, sizeof c);
    /* collective: a folder that one node cannot write to ends all ranks alike */
    if (job_agree(job, open_own(&in, dir, &c, level, err), err) < 0)
        return -1;
    for (int i = 0; i < own->n_doubts && in.rank == 0; i++)
        log_note("%s", own->doubt[i]);
    if (dir)
        log_identity(&in);
    return 0;
}
