/* verbs.c - the table of verbs and what is said about them. */
#include "cmd.h"

#include "mtbench/jobname.h"
#include "mtbench/logfiles.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All words of the command line's contract. */
static const struct verb verbs[] = {
    { "run", NULL, "answer on all ranks, judge as the answers arrive, show the scores: one launch", true, cmd_run },
    { "campaign", NULL, "the tasks of a list file in one launch: models, question sets, seeds, judges; each model read once", true,
      cmd_campaign },
    { "answer", "gen_model_answer", "answer the questions with a local model, on all ranks", true, cmd_answer },
    { "api-answer", "gen_api_answer", "answer the questions with a model behind an API: hosted, or a server of your own", true,
      cmd_api_answer },
    { "judge", "gen_judgment", "judge answers: single grading or pairs, by a hosted judge or a local one", true, cmd_judge },
    { "show", "show_result", "scores with intervals, comparisons, win rates: tables, CSV, JSON", false, cmd_show },
    { "aggregate", NULL, "runs into one HDF5 file, a campaign, and FastChat's files out of it", false, cmd_aggregate },
    { "report", NULL, "what a reviewer needs on one page: setup, hashes, versions, scores, plots, failures, noise", false, cmd_report },
    { "agree", "compute_agreement", "how often judges and people agree", false, cmd_agree },
    { "clean_judgment", NULL, "each judgment once, in order", false, cmd_clean },
    { "fetch", "download_mt_bench_pregenerated", "bring the official data, published answers and judgments, or a hub model into place",
      false, cmd_fetch },
    { "verify", NULL, "compute turns of a run anew, in this layout, and compare bytes", true, cmd_verify },
    { "plan", NULL, "what run, answer or judge would do: calls, tokens, price, memory, layout; nothing is computed or sent", true,
      cmd_plan },
    { "doctor", NULL, "is everything here that a run needs: launch, cores, GPUs, memory, folders, clocks, model, judge", true,
      cmd_doctor },
    { "prompt", NULL, "print rendered prompts, token ids, stop ids, and the best next tokens", false, cmd_prompt },
    { "browse", "qa_browser", "questions, answers and judgments as a page that a browser opens: one file, no server", false, cmd_browse },
};

enum { N_VERBS = sizeof verbs / sizeof *verbs };

static const char *nearest(const char *word)
{
    const char *name[2 * N_VERBS];       /* each verb has at most two names */
    int n = 0;
    for (int i = 0; i < N_VERBS; i++) {
        name[n++] = verbs[i].name;
        if (verbs[i].peer)
            name[n++] = verbs[i].peer;
    }
    return opts_nearest(word, name, n);
}

const struct verb *verb_at(int i)
{
    return i >= 0 && i < N_VERBS ? &verbs[i] : NULL;
}

const struct verb *verb_find(const char *word, struct err *err)
{
    char *plain = xstrdup(word);
    const struct verb *found = NULL;
    size_t n = strlen(plain);
    /* "gen_judgment.py" is what scripts of FastChat's users have. */
    if (n > 3 && !strcmp(plain + n - 3, ".py"))
        plain[n - 3] = '\0';
    for (int i = 0; i < N_VERBS && !found; i++)
        if (!strcmp(plain, verbs[i].name) || (verbs[i].peer && !strcmp(plain, verbs[i].peer)))
            found = &verbs[i];
    const char *near = found ? NULL : nearest(plain);
    if (near)
        err_set(err, ERR_USAGE, "%s: unknown verb; did you mean %s?", word, near);
    else if (!found)
        err_set(err, ERR_USAGE, "%s: unknown verb; mtbench --help lists them", *word ? word : "\"\"");
    free(plain);
    return found;
}

bool verb_foresees(const struct verb *v, struct err *why)
{
    const struct jobname *own = jobname_own();
    return v->run == cmd_doctor && own->pmi == JOBNAME_PMI_NONE && own->n_procs > 1 && job_check_launch(1, NULL, why) < 0;
}

int verb_refused(const struct verb *v, const struct err *why, int argc, char **argv)
{
    if (v->run == cmd_doctor)            /* who asks what is wrong is told in its own form */
        return doctor_launch_refused(why, argc, argv);
    if (*why->text)
        log_error("%s", why->text);
    return EXIT_INPUT;
}

void help_print(void)
{
    printf("usage: mtbench VERB [flags], alone or started by mpirun or srun\n\n");
    for (int i = 0; i < N_VERBS; i++)
        printf("  %-14s %s%s%s%s\n", verbs[i].name, verbs[i].summary, verbs[i].peer ? " (FastChat: " : "",
               verbs[i].peer ? verbs[i].peer : "", verbs[i].peer ? ")" : "");
    printf("\n  mtbench VERB --help lists the flags of a verb; mtbench --version what this program was built from.\n"
           "  mtbench --man prints the manual page, mtbench --completion bash (or zsh) what the shell offers.\n"
           "  exit codes: 0 complete, 1 usage or input, 2 finished with failures, 75 interrupted (start again to resume), 77 preflight "
           "failed\n");
}

int verb_log(struct job *job, const char *log_dir, bool quiet, bool verbose, struct err *err)
{
    return logfiles_open(job, log_dir, quiet ? LOG_QUIET : verbose ? LOG_VERBOSE : LOG_NORMAL, err);
}
