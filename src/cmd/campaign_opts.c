/* campaign_opts.c - the command line of `mtbench campaign`: flags of `run` for all lines, and those of a line, which win. */
#include "campaign_opts.h"

#include "cmd.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

struct of_launch {                       /* flags that no task has */
    enum sheet_form format;
    long alone;
    bool given_alone;
};

static int parse_words(struct run_opts *r, struct of_launch *l, int argc, char **argv, struct err *err)
{
    const struct opt more[] = {
        { "format", OPT_CHOICE, &l->format, NULL, SHEET_FORMS, "of the table at the end (table)" },
        { "task", OPT_INT, &l->alone, &l->given_alone, "N",
          "in a job array: the answers of the N-th task alone, without judge and table; lines without a task are not counted" },
    };
    *l = (struct of_launch){ .format = SHEET_AS_TEXT };
    run_opts_default(r);
    return run_opts_parse(r, "campaign LIST",
                          "Do the tasks of a list file in one launch: a task a line, in flags of answer and run; these here are for all\n"
                          "lines, and a line's own win. A model is read once for all its lines. Answers are judged where a line has\n"
                          "--judge-model or --judge-path.", more, sizeof more / sizeof *more, argc, argv, err);
}

static int read_list(struct campaign_opts *o, struct job *job, struct err *err)
{
    struct buf text = {0};
    int rc = 0;
    if (job_info(job).rank == 0 && (rc = io_read(o->list, &text, err)) < 0)
        err_advise(err, "name a file with a task a line, as --model-path PATH --model-id NAME --seed 1");
    if ((rc = job_agree(job, rc, err)) == 0) {
        job_bcast_buf(job, &text);
        rc = task_list_parse(o->list, text.data, text.len, &o->lines, err);
    }
    buf_free(&text);
    return rc;
}

/* What belongs to the launch and not to a task of it. */
static int check_line_alone(const struct campaign_opts *o, const struct run_opts *line, const struct of_launch *launch, struct err *err)
{
    const struct answer_opts *l = &line->answer, *all = &o->common.answer;
    const char *flag = l->quiet != all->quiet ? "--quiet" : l->verbose != all->verbose ? "--verbose"
                       : l->progress != all->progress ? "--progress" : launch->format != o->format ? "--format"
                       : launch->given_alone != o->given_alone || launch->alone != o->alone ? "--task"
                       : strcmp(l->log_dir ? l->log_dir : "", all->log_dir ? all->log_dir : "") ? "--log-dir" : NULL;
    return flag ? err_set(err, ERR_USAGE, "%s: is of the whole campaign; give it on the command line", flag) : 0;
}

static char *keep(struct campaign_opts *o, const char *word)
{
    o->copy = xrealloc(o->copy, (size_t)o->n_copies + 1, sizeof *o->copy);
    return o->copy[o->n_copies++] = xstrdup(word);
}

/* The words of line i behind those of the command line: of a flag that is there twice the last one counts. */
static int parse_line(struct campaign_opts *o, int i, int argc, char **argv, struct err *err)
{
    const struct task_line *line = &o->lines.line[i];
    struct campaign_task *t = &o->task[i];
    struct run_opts r;
    struct of_launch launch;
    if (line->word[0][0] != '-')         /* a flag of the command line that takes words would take it for one of its own */
        return err_set(err, ERR_USAGE, "%s: stands where a flag should; begin as --model-path PATH", line->word[0]);
    char **words = o->words[i] = xcalloc((size_t)(argc + line->n) + 1, sizeof *words);
    for (int w = 0; w < argc; w++)
        words[w] = keep(o, argv[w]);
    memcpy(words + argc, line->word, (size_t)line->n * sizeof *words);
    if (opts_want_help(line->n, line->word))
        return err_set(err, ERR_USAGE, "--help: is no task; give it on the command line");
    if (parse_words(&r, &launch, argc + line->n, words, err) < 0 || check_line_alone(o, &r, &launch, err) < 0 ||
        answer_opts_check(&r.answer, err) < 0)
        return -1;
    *t = (struct campaign_task){ .number = line->number, .judged = r.judge.given_judge_model || r.judge.judge_path };
    if (t->judged && run_opts_check(&r, err) < 0)
        return -1;
    t->answer = r.answer;
    t->judge = r.judge;
    return 0;
}

static int parse_lines(struct campaign_opts *o, int argc, char **argv, struct err *err)
{
    enum { MOST_TOLD = 3 };
    struct buf bad = {0};
    int n_bad = 0;
    o->n = o->lines.n;
    o->task = xcalloc((size_t)o->n, sizeof *o->task);
    o->words = xcalloc((size_t)o->n, sizeof *o->words);
    for (int i = 0; i < o->n; i++) {
        struct err why = {0};
        if (parse_line(o, i, argc, argv, &why) < 0 && n_bad++ < MOST_TOLD)
            buf_printf(&bad, "%s%s:%ld: %s", bad.len ? " | " : "", o->list, o->lines.line[i].number, why.text);
    }
    if (n_bad > MOST_TOLD)
        buf_printf(&bad, " | and %d more", n_bad - MOST_TOLD);
    if (n_bad)
        err_set(err, ERR_USAGE, "%s", bad.data);
    buf_free(&bad);
    return n_bad ? -1 : 0;
}

int campaign_opts_parse(struct campaign_opts *o, struct job *job, int argc, char **argv, struct err *err)
{
    *o = (struct campaign_opts){0};
    if (argc > 0 && argv[0][0] != '-') { /* the list stands first; flags that take several words could not tell it from theirs */
        o->list = argv[0];
        argc--, argv++;
    }
    struct of_launch launch;
    int rc = parse_words(&o->common, &launch, argc, argv, err);
    if (rc)
        return rc;
    o->format = launch.format;
    o->alone = launch.alone;
    o->given_alone = launch.given_alone;
    if (!o->list)
        return err_set(err, ERR_USAGE, "campaign: the list is missing; name it first, as mtbench campaign LIST --data-dir DIR");
    if (read_list(o, job, err) < 0 || parse_lines(o, argc, argv, err) < 0)
        return -1;
    if (o->given_alone && (o->alone < 1 || o->alone > o->n))
        return err_set(err, ERR_USAGE, "--task %ld: %s has %d task%s; start the array by --array=1-%d", o->alone, o->list, o->n,
                       o->n == 1 ? "" : "s", o->n);
    return 0;
}

void campaign_opts_free(struct campaign_opts *o)
{
    for (int i = 0; i < o->n; i++)
        free(o->words[i]);
    for (int i = 0; i < o->n_copies; i++)
        free(o->copy[i]);
    free(o->words);
    free(o->copy);
    free(o->task);
    task_list_free(&o->lines);
}
