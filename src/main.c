/* main.c - start the job, choose the verb, end; the only place that exits. */
#include "cmd/cmd.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct job *the_job;

static void exhausted(size_t bytes)
{
    log_error("memory: cannot get %zu bytes; use fewer ranks per node or a smaller --max-batch", bytes);
    job_abort(the_job, EXIT_INPUT);
}

static int usage(const struct err *err)
{
    if (*err->text)                      /* empty: another task of the same launch says it */
        log_error("%s", err->text);
    return EXIT_INPUT;
}

static int run(const struct verb *verb, int argc, char **argv)
{
    struct err err = {0};
    for (int i = 0; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return verb->run(NULL, argc, argv);
    if (!verb->mpi)
        return verb->run(NULL, argc, argv);
    if (!(the_job = job_start(&argc, &argv, &err)))
        return usage(&err);
    log_init(LOG_NORMAL, job_info(the_job).rank == 0, NULL);
    int code = verb->run(the_job, argc, argv);
    job_end(the_job);
    return code;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    mem_on_exhausted(exhausted);
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        help_print();
        return argc < 2 ? EXIT_INPUT : EXIT_COMPLETE;
    }
    if (!strcmp(argv[1], "--version")) {
        version_print();
        return EXIT_COMPLETE;
    }
    const struct verb *verb = verb_find(argv[1], &err);
    int code = verb ? run(verb, argc - 2, argv + 2) : usage(&err);
    if (fflush(stdout) != 0 && code == EXIT_COMPLETE)
        code = EXIT_INPUT;
    return code;
}
