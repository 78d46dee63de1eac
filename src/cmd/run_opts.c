/* run_opts.c - the flags of answering and judging together. */
#include "run_opts.h"

#include "cmd.h"

void run_opts_default(struct run_opts *o)
{
    answer_opts_default(&o->answer);
    judge_opts_default(&o->judge);
}

/* What both halves know by the same name is read once, by answering. */
static void share_flags(struct run_opts *o)
{
    struct judge_opts *j = &o->judge;
    const struct answer_opts *a = &o->answer;
    j->bench_name = a->bench_name;
    j->data_dir = a->data_dir;
    j->fastchat = a->fastchat;
    j->slicing = a->slicing;
    j->devices = a->devices;
    j->scratch = answer_opts_scratch(a->scratch);
    j->threads = a->threads;
    j->max_batch = a->max_batch;
    j->max_error_rate = a->max_error_rate;
    j->progress = a->progress;
    j->quiet = a->quiet;
    j->verbose = a->verbose;
}

int run_opts_parse(struct run_opts *o, const char *verb, const char *about, const struct opt *more, int n_more, int argc, char **argv,
                   struct err *err)
{
    struct opt table[ANSWER_OPTS_MAX + JUDGE_OPTS_MAX + RUN_OPTS_MORE];
    int n = answer_opts_rows(&o->answer, table);
    n += judge_opts_rows(&o->judge, table + n);
    for (int i = 0; i < n_more; i++)
        table[n++] = more[i];
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help(verb, about, table, n);
    if (rc == 0)
        share_flags(o);
    return rc;
}

int run_opts_check(struct run_opts *o, struct err *err)
{
    if (answer_opts_check(&o->answer, err) < 0 || judge_opts_check(&o->judge, err) < 0)
        return -1;
    /* The halves meet in the usual place: judging finds answers, and the table judgments, by the bench's paths. */
    if (o->answer.answer_file && *o->answer.answer_file)
        return err_set(err, ERR_USAGE,
                       "--answer-file: run judges and shows the answers in their usual place; use answer, judge and show one by one");
    if (o->judge.mode == MODE_PAIRWISE_ALL)
        return err_set(err, ERR_USAGE, "--mode pairwise-all: run has one model; use single or pairwise-baseline");
    return 0;
}
