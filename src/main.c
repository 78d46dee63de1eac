/* main.c - start the job, choose the verb, end; the only place that exits. */
#include "cmd/cmd.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct job *the_job;

static void exhausted(size_t bytes)
{
    struct job_info in = the_job ? job_info(the_job) : (struct job_info){ .size = 1 };
    char who[300] = "";
    if (in.size > 1)
        snprintf(who, sizeof who, " (rank %d on %s)", in.rank, in.host);
    log_error("memory: cannot get %zu bytes; use fewer ranks per node or a smaller --max-batch%s", bytes, who);
    job_abort(the_job, EXIT_INPUT);
}

static void lost(const struct err *why)
{
    log_error("%s", why->text);
    job_abort(the_job, EXIT_RESUME);
}

static int usage(const struct err *err)
{
    if (*err->text)                      /* empty: another task of the same launch says it */
        log_error("%s", err->text);
    return EXIT_INPUT;
}

/* A closed descriptor 0, 1 or 2 would go to the next file that is opened, and what is printed would end up in it: in a journal, say. These
 * stand-ins fail as closed ones do. */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); /* gets the lowest free number, this one */
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct err err = {0};
    if (!verb->mpi || opts_want_help(argc, argv))
        return verb->run(NULL, argc, argv);
    if (verb_foresees(verb, &err) || !(the_job = job_start(&argc, &argv, &err)))
        return verb_refused(verb, &err, argc, argv);
    job_on_lost(the_job, lost);
    log_init(LOG_NORMAL, job_info(the_job).rank == 0, NULL);
    int code = verb->run(the_job, argc, argv);
    fflush(stdout);                      /* srun --kill-on-bad-exit may kill this task as soon as another has left behind the end */
    job_end(the_job);
    return code;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return !strcmp(word, a) || !strcmp(word, b) || !strcmp(word, c);
}

/* What needs no job is the same from every task of a launch, so only the first one says and does it. */
static int obey(int argc, char **argv)
{
    struct err err = {0};
    bool first = job_launch_rank(NULL) == 0, help = argc < 2 || is_one_of(argv[1], "help", "--help", "-h");
    if (help && argc < 3) {
        if (first)
            help_print();
        return argc < 2 ? EXIT_INPUT : EXIT_COMPLETE;
    }
    if (is_one_of(argv[1], "version", "--version", "-V")) {
        if (first)
            version_print();
        return EXIT_COMPLETE;
    }
    if (is_one_of(argv[1], "--man", "--completion", "--completion=bash") || !strcmp(argv[1], "--completion=zsh"))
        return first ? pages_print(argc - 1, argv + 1) : EXIT_COMPLETE;
    const struct verb *verb = verb_find(argv[help ? 2 : 1], &err);
    if (!verb)
        return first ? usage(&err) : EXIT_INPUT;
    if (help)
        return first ? verb->run(NULL, 1, (char *[]){ "--help", NULL }) : EXIT_COMPLETE;
    bool alone = !verb->mpi || opts_want_help(argc - 2, argv + 2);
    return first || !alone ? run(verb, argc - 2, argv + 2) : EXIT_COMPLETE;
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    mem_on_exhausted(exhausted);
    int code = obey(argc, argv);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == EXIT_COMPLETE) {
        log_error("stdout: cannot write the results: %s; the files are complete, make room for what goes to stdout", strerror(errno));
        code = EXIT_INPUT;
    }
    return code;
}
