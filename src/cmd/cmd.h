/* cmd.h - the verbs (room: cmd). A verb composes rooms; it owns no logic of theirs. */
#ifndef MTB_CMD_H
#define MTB_CMD_H

#include "mtbench/exit_code.h"
#include "mtbench/job.h"
#include "mtbench/opts.h"

struct verb {
    const char *name, *peer;             /* peer: FastChat's script of the same purpose, or NULL */
    const char *summary;
    bool mpi;                            /* runs on the ranks of a job; else 'job' is NULL */
    /* The words after the verb, which is argv[-1]; returns an exit code. With --help among the words it prints its help and
     * looks at nothing else, 'job' is NULL then. */
    int (*run)(struct job *job, int argc, char **argv);
};

/* The verb of this name or of FastChat's script (with or without .py). NULL (err: usage): it is unknown, with the nearest name. */
const struct verb *verb_find(const char *word, struct err *err);

/* The verbs one after another: the i-th of the table; NULL: there is none any more. */
const struct verb *verb_at(int i);
/* Instead of printing its help, let the verb show its tables to 'read', for the length of the call. */
void verb_read_help(const struct verb *v, void (*read)(void *ctx, const char *about, const struct opt *table, int n), void *ctx);
/* What verbs read from the environment; NULL behind the last. */
const struct opt_env *verb_variable(int i);
/* --man, or --completion SHELL: the page on stdout. Returns an exit code. */
int pages_print(int argc, char **argv);

/* What the verb says of a launch whose processes are each alone, which 'why' tells (its text empty: another of them speaks). Returns an
 * exit code. */
/* Is it certain, before MPI is asked, that it will find this process alone? For a verb that has its own word for that. */
bool verb_foresees(const struct verb *v, struct err *why);
int verb_refused(const struct verb *v, const struct err *why, int argc, char **argv);

int cmd_answer(struct job *job, int argc, char **argv);
int cmd_run(struct job *job, int argc, char **argv);
int cmd_campaign(struct job *job, int argc, char **argv);
int cmd_api_answer(struct job *job, int argc, char **argv);
int cmd_fetch(struct job *job, int argc, char **argv);
int cmd_judge(struct job *job, int argc, char **argv);
int cmd_show(struct job *job, int argc, char **argv);
int cmd_aggregate(struct job *job, int argc, char **argv);
int cmd_report(struct job *job, int argc, char **argv);
int cmd_agree(struct job *job, int argc, char **argv);
int cmd_browse(struct job *job, int argc, char **argv);
int cmd_clean(struct job *job, int argc, char **argv);
int cmd_plan(struct job *job, int argc, char **argv);
int cmd_doctor(struct job *job, int argc, char **argv);
int doctor_launch_refused(const struct err *why, int argc, char **argv);
int cmd_prompt(struct job *job, int argc, char **argv);
int cmd_verify(struct job *job, int argc, char **argv);

/* Collective. Set up the log: how much is said, and --log-dir's file per rank, in a folder that is made if need be. -1: err (io). */
int verb_log(struct job *job, const char *log_dir, bool quiet, bool verbose, struct err *err);

/* "usage: mtbench ..." and all verbs. */
void help_print(void);
void version_print(void);
/* The same as rows, the program first; how many. Their texts stay. */
struct report_version;
enum { VERSION_ROWS = 16 };
int version_rows(struct report_version *row);
/* Help of one verb: usage line, then the table. */
void verb_help(const char *name, const char *about, const struct opt *table, int n);

#endif
