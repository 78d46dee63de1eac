/* campaign_judges.c - the judges of a campaign. */
#include "campaign_judges.h"

#include "mtbench/exit_code.h"
#include "mtbench/judge_run.h"
#include "mtbench/judging.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_list(const struct opt_list *a, const struct opt_list *b)
{
    for (int i = 0; i < a->n && i < b->n; i++)
        if (strcmp(a->word[i], b->word[i]))
            return false;
    return a->n == b->n;
}

bool campaign_same_slice(const struct slicing *a, const struct slicing *b)
{
    return a->begin == b->begin && a->end == b->end && a->has_begin == b->has_begin && a->has_end == b->has_end &&
           a->first_n == b->first_n && same_list(&a->category, &b->category) && same_list(&a->ids, &b->ids);
}

/* What one judging of all of them would be done by, and held to, for a local judge. */
static bool same_launch(const struct judge_opts *x, const struct judge_opts *y)
{
    return !x->judge_path || (campaign_same_devices(&x->devices, &y->devices) && x->max_error_rate == y->max_error_rate);
}

bool campaign_same_judge(const struct campaign_task *a, const struct campaign_task *b)
{
    const struct judge_opts *x = &a->judge, *y = &b->judge;
    return a->judged && b->judged && same_text(x->bench_name, y->bench_name) && same_text(x->data_dir, y->data_dir) &&
           same_text(x->judge_file, y->judge_file) && same_text(x->judge_model, y->judge_model) &&
           same_text(x->baseline_model, y->baseline_model) && same_text(x->provider, y->provider) && same_text(x->base_url, y->base_url) &&
           same_text(x->judge_path, y->judge_path) && same_text(x->judge_base_path, y->judge_base_path) &&
           same_text(x->fastchat, y->fastchat) && same_text(x->reference, y->reference) && same_text(x->fallback, y->fallback) &&
           same_text(x->fallback_provider, y->fallback_provider) && same_text(x->fallback_base_url, y->fallback_base_url) &&
           x->repeat == y->repeat && x->threads == y->threads && x->max_batch == y->max_batch && x->max_tokens == y->max_tokens &&
           x->constrained == y->constrained && x->mode == y->mode &&
           campaign_same_slice(&x->slicing, &y->slicing) && same_launch(x, y);
}

/* ---- before the work ---- */

/* Rank 0. */
static int try_inputs(struct job *job, const struct campaign_task *t, struct err *err)
{
    struct judge_inputs in = {0};
    struct judging j = { .job = job, .o = &t->judge, .in = &in }; /* no grader: it would ask */
    int rc = judge_inputs_read(&in, &t->judge, t->answer.name, err);
    if (rc == 0 && !t->judge.judge_path)
        rc = judging_endpoint(&j, err);
    judging_close(&j);
    judge_inputs_free(&in);
    return rc;
}

int campaign_try_judge(struct job *job, const struct campaign_task *t, struct err *err)
{
    const struct judge_opts *o = &t->judge;
    struct rig rig = {0};
    int rc = job_agree(job, job_info(job).rank == 0 ? try_inputs(job, t, err) : 0, err);
    if (rc == 0 && o->judge_path)
        rc = rig_open(&rig, job, &(struct rig_opts){ .model_path = o->judge_path, .flag = "--judge-path", .model_id = o->judge_model,
                                                     .fastchat = o->fastchat, .data_dir = o->data_dir, .base_path = o->judge_base_path,
                                                     .threads = o->threads, .devices = o->devices }, err);
    rig_close(&rig);
    return rc;
}

/* ---- local judges ---- */

static bool has_answers(const struct campaign_task *t, const struct campaign_row *row)
{
    return t->judged && t->judge.judge_path && row->state == TASK_DONE;
}

/* One judge over the answers of all these models. */
static int judge_models(struct job *job, const struct campaign_task *first, char **model, int n, bool whole, struct err *err)
{
    struct judge_opts o = first->judge;
    o.model_list = (struct opt_list){ model, n };
    if (!whole)                          /* answers are missing, which their own tasks have been blamed for */
        o.max_error_rate = 1;
    if (job_info(job).rank == 0)
        printf("judge     %s   %s   %d model%s\n", o.judge_model, o.bench_name, n, n == 1 ? "" : "s");
    return judge_run(job, &o, err);
}

static void take_code(struct campaign_row *row, int code)
{
    if (code == EXIT_COMPLETE)
        return;
    row->code = code;
    row->state = code == EXIT_RESUME ? TASK_STOPPED : code == EXIT_FAILURES ? TASK_DONE : TASK_FAILED;
}

struct batch {                           /* tasks that one judge grades together */
    int *member;                         /* (n) their numbers */
    char **model;                        /* (n) names of their answers */
    int n;
    bool whole;                          /* no answer is missing */
};

/* Task i and its like among those that have not been judged. */
static void gather(struct batch *b, const struct campaign_task *task, const struct campaign_row *row, const bool *judged, int i, int n)
{
    b->whole = row[i].code == EXIT_COMPLETE;
    b->n = 0;
    for (int k = i; k < n; k++) {
        if (judged[k] || !has_answers(&task[k], &row[k]) || (row[k].code == EXIT_COMPLETE) != b->whole ||
            !campaign_same_judge(&task[i], &task[k]))
            continue;
        b->model[b->n] = (char *)task[k].answer.name; /* plain already: nobody writes into it */
        b->member[b->n++] = k;
    }
}

void campaign_judge_locally(struct job *job, const char *list, const struct campaign_task *task, int n, struct campaign_row *row)
{
    bool *judged = xcalloc((size_t)n, sizeof *judged);
    struct batch b = { .member = xcalloc((size_t)n, sizeof *b.member), .model = xcalloc((size_t)n, sizeof *b.model) };
    for (int i = 0; i < n; i++) {
        struct err err = {0};
        if (judged[i] || !has_answers(&task[i], &row[i]))
            continue;
        gather(&b, task, row, judged, i, n);
        /* A signal reaches the ranks one after the other; what they do here they must do alike. */
        const bool running = job_max(job, (uint64_t)job_poll(job)) == JOB_RUNNING;
        const int code = running ? judge_models(job, &task[i], b.model, b.n, b.whole, &err) : EXIT_RESUME;
        if (err.kind != ERR_NONE && job_info(job).rank == 0)
            log_error("%s:%ld: %s", list, task[i].number, err.text);
        for (int k = 0; k < b.n; k++) {
            judged[b.member[k]] = true;
            take_code(&row[b.member[k]], code);
        }
    }
    free(judged);
    free(b.member);
    free(b.model);
}
