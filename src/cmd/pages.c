/* pages.c - the manual page and what shells complete, from the tables of all verbs. */
#include "cmd.h"

#include "mtbench/log.h"
#include "mtbench/manual.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VERBS = 32 };

struct page {
    struct buf out;
    int shell;                           /* enum manual_shell; -1: the manual page */
    struct manual_verb verb[MOST_VERBS];
    int n;
};

/* The table lives in the verb's own call: what is made of it is made here. */
static void take(void *ctx, const char *summary, const struct opt *table, int n)
{
    struct page *p = ctx;
    struct manual_verb *v = &p->verb[p->n];
    v->about = summary;
    v->table = table;
    v->n = n;
    if (p->shell < 0)
        manual_put_verb(&p->out, v);
    else
        completion_put_verb(&p->out, (enum manual_shell)p->shell, v);
}

static void put_verbs(struct page *p)
{
    const struct verb *v;
    for (int i = 0; (v = verb_at(i)) && p->n < MOST_VERBS; i++, p->n++) {
        p->verb[p->n] = (struct manual_verb){ .name = v->name, .peer = v->peer, .summary = v->summary };
        verb_read_help(v, take, p);
    }
}

static void put_variables(struct buf *out)
{
    const struct opt_env *e;
    manual_section(out, "ENVIRONMENT");
    for (int i = 0; (e = verb_variable(i)); i++)
        manual_put_item(out, e->name, e->help);
}

static void put_codes(struct buf *out)
{
    static const struct { const char *code, *meaning; } codes[] = {
        { "0", "complete" }, { "1", "usage or input" }, { "2", "finished, but with failures above --max-error-rate" },
        { "75", "interrupted, or out of budget: the same command goes on from there" },
        { "77", "preflight failed: no GPU where one was demanded, no judge, no key, or a problem that doctor found" },
    };
    manual_section(out, "EXIT STATUS");
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        manual_put_item(out, codes[i].code, codes[i].meaning);
}

static void put_files(struct buf *out)
{
    static const struct { const char *path, *meaning; } files[] = {
        { "DATA/BENCH/question.jsonl", "the questions" },
        { "DATA/BENCH/model_answer/ID.jsonl", "answers, in FastChat's form; beside them ID.journal and ID.manifest" },
        { "DATA/BENCH/model_judgment/JUDGE_single.jsonl", "judgments, and their journal; of pairs JUDGE_pair.jsonl" },
        { "DATA/BENCH/reference_answer/NAME.jsonl", "reference answers" },
        { "LOGDIR/mtbench.JOB_TASK.RANK.log", "what a rank has to say, with --log-dir" },
    };
    manual_section(out, "FILES");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        manual_put_item(out, files[i].path, files[i].meaning);
}

static int print(struct page *p)
{
    fwrite(p->out.data, 1, p->out.len, stdout);
    buf_free(&p->out);
    return EXIT_COMPLETE;
}

static const char about[] = "Answers the MT-bench questions with a local model on all ranks of a job, has a judge score the answers, and "
                            "shows the scores with their intervals. Interrupted work goes on where it stopped. A flag may be shortened to "
                            "any beginning that is its own, and takes its value as --flag value or --flag=value.";

static int print_manual(void)
{
    struct page p = { .shell = -1 };
    manual_head(&p.out, MTB_VERSION, "mtbench VERB [flags], alone or started by mpirun or srun");
    manual_section(&p.out, "DESCRIPTION");
    manual_put_text(&p.out, about);
    manual_section(&p.out, "VERBS");
    put_verbs(&p);
    put_variables(&p.out);
    put_codes(&p.out);
    put_files(&p.out);
    manual_section(&p.out, "SEE ALSO");
    buf_str(&p.out, ".BR mpirun (1),\n.BR srun (1),\n.BR sbatch (1)\n");
    return print(&p);
}

static int print_completion(enum manual_shell shell)
{
    struct page p = { .shell = (int)shell };
    completion_head(&p.out, shell);
    put_verbs(&p);
    completion_tail(&p.out, shell, p.verb, p.n);
    return print(&p);
}

int pages_print(int argc, char **argv)
{
    enum manual_shell shell = MANUAL_BASH;
    bool man = false, complete = false;
    struct err err = { 0 };
    const struct opt table[] = {
        { "man", OPT_FLAG, &man, NULL, NULL, "print the manual page, for man -l or MANPATH" },
        { "completion", OPT_CHOICE, &shell, &complete, MANUAL_SHELLS, "print what the shell completes, to be sourced" },
    };
    if (opts_parse(table, 2, argc, argv, &err) == 0)
        return man ? print_manual() : print_completion(shell);
    log_error("%s", *err.text ? err.text : "--man and --completion: print a page; leave --help out");
    return EXIT_INPUT;
}
