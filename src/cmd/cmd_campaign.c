/* cmd_campaign.c - the verb `campaign`: the tasks of a list file in one launch. */
#include "campaign_opts.h"
#include "cmd.h"

#include "mtbench/campaign.h"
#include "mtbench/log.h"
#include "mtbench/look.h"
#include "mtbench/mem.h"
#include "mtbench/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A page is of one bench in one folder: where the tasks are of several, nobody can say which is meant. */
static void offer_page(struct buf *out, const struct summary_row *line, int n)
{
    for (int i = 1; i < n; i++)
        if (strcmp(line[i].bench, line[0].bench) || strcmp(line[i].data_dir, line[0].data_dir))
            return;
    buf_char(out, '\n');
    look_put(out, &(struct showing){ .data_dir = line[0].data_dir, .bench_name = line[0].bench });
}

/* Rank 0, behind all collectives. */
static void show(const struct campaign_opts *o, const struct campaign_row *row)
{
    static const char *const state[] = { TASK_STATES };
    struct summary_row *line = xcalloc((size_t)o->n, sizeof *line);
    struct buf text = {0};
    for (int i = 0; i < o->n; i++) {
        const struct campaign_task *t = &o->task[i];
        const struct answer_result *a = &row[i].answer;
        line[i] = (struct summary_row){
            .number = t->number, .model = t->answer.name, .bench = t->answer.bench_name, .data_dir = t->answer.data_dir,
            .judge = t->judged && row[i].state != TASK_WAITING ? t->judge.judge_model : NULL, .pairs = t->judge.mode != MODE_SINGLE,
            .seed = t->answer.seed, .done = a->done, .total = a->total, .failed = a->failed, .tokens = a->tokens,
            .state = state[row[i].state], .code = row[i].code,
        };
    }
    summary_put(&text, line, o->n, o->format);
    if (o->format == SHEET_AS_TEXT) {
        printf("\n");
        if (!o->common.answer.quiet)
            offer_page(&text, line, o->n);
    }
    fwrite(text.data, 1, text.len, stdout);
    buf_free(&text);
    free(line);
}

int cmd_campaign(struct job *job, int argc, char **argv)
{
    struct campaign_opts o;
    struct campaign_row *row = NULL;
    struct err err = {0};
    int rc = campaign_opts_parse(&o, job, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0 && verb_log(job, o.common.answer.log_dir, o.common.answer.quiet, o.common.answer.verbose, &err) == 0) {
        if (o.given_alone)
            code = campaign_run_one(job, o.list, o.task, o.n, (int)o.alone - 1, &err);
        else {
            row = xcalloc((size_t)o.n, sizeof *row);
            code = campaign_run(job, o.list, o.task, o.n, row, &err);
        }
        if (row && err.kind == ERR_NONE && job_info(job).rank == 0)
            show(&o, row);
    }
    if (err.kind != ERR_NONE && job_info(job).rank == 0)
        log_error("%s", err.text);
    free(row);
    campaign_opts_free(&o);
    return code;
}
