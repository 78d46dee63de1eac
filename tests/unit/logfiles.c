/* logfiles.c - names of log files: job, task and rank in them, and no launch in another's. */
#include "folder.h"
#include "tap.h"

#include "mtbench/logfiles.h"

static void is_path(char *path, const char *want)
{
    ok(!strcmp(path, want), "%s", path);
    free(path);
}

int main(void)
{
    struct err err = {0};
    char name[300], plain[300];
    const struct job_info in = { .host = "n/2" };
    static const char *const job[] = { "SLURM_JOB_ID", "SLURM_JOBID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID" };
    for (size_t i = 0; i < sizeof job / sizeof *job; i++)
        unsetenv(job[i]);
    snprintf(plain, sizeof plain, "n_2-%ld", (long)getpid());
    logfiles_name(&in, name);
    ok(!strcmp(name, plain), "without a batch job: %s", name);
    setenv("SLURM_JOB_ID", "815", 1);
    logfiles_name(&in, name);
    ok(!strcmp(name, "815"), "in one: %s", name);
    setenv("SLURM_ARRAY_JOB_ID", "812", 1);
    setenv("SLURM_ARRAY_TASK_ID", "5", 1);
    logfiles_name(&in, name);
    ok(!strcmp(name, "812_5"), "in an array: %s", name);
    is_path(logfiles_path("l", name, 1, 3), "l/mtbench.812_5.3.log");
    is_path(logfiles_path("l", name, 2, 0), "l/mtbench.812_5-2.0.log");
    ok(logfiles_claim(own("deep/logs"), name, &err) == 1 && logfiles_claim(own("deep/logs"), name, &err) == 2,
       "a second start gets a number");
    ok(logfiles_claim(own("deep/logs"), "812_6", &err) == 1, "another task does not");
    own_put("file", "");
    ok(logfiles_claim(own("file"), name, &err) < 0 && err.kind == ERR_IO && !strncmp(err.text, "--log-dir", 9) && strchr(err.text, ';'),
       "a folder that is a file: %s", err.text);
    ok(logfiles_claim("/proc/none", name, &err) < 0 && !strncmp(err.text, "--log-dir", 9) && strchr(err.text, ';'),
       "a folder that cannot be made: %s", err.text);
    return done_testing();
}
