/* plan.c - what answering and judging would take, asked part by part: nothing is computed, nothing is sent. */
#include "mtbench/plan.h"

#include "mtbench/calibrate.h"
#include "mtbench/candidate.h"
#include "mtbench/plan_answers.h"
#include "mtbench/plan_judge.h"
#include "mtbench/plan_text.h"

#include <string.h>

/* The judge's own tokenizer and template, where there are any. Rank 0 alone. 0 without them too. */
static int open_counter(const struct plan_opts *o, struct rig *r, struct err *err)
{
    const struct judge_opts *j = o->judge;
    const char *path = o->judge_tokenizer ? o->judge_tokenizer : j->judge_path;
    const char *flag = o->judge_tokenizer ? "--judge-tokenizer" : "--judge-path";
    struct rig_opts ro = { .model_path = path, .flag = flag, .model_id = j->judge_model, .fastchat = j->fastchat, .data_dir = j->data_dir,
                           .base_path = o->judge_tokenizer ? NULL : j->judge_base_path,
                           .devices = { .device = DEVICE_CPU } };                   /* counting needs no other */
    if (!path)
        return 0;
    /* No job: this rank alone, and no weights are read. */
    if (rig_open(r, NULL, &ro, err) == 0)
        return 0;
    return strncmp(err->text, flag, strlen(flag)) ? err_wrap(err, "%s", flag) : -1; /* what is wrong in the files does not name it */
}

/* Rank 0. 'answers': what answering would take; NULL: the answers are there. */
static int plan_judging(struct buf *out, const struct plan_opts *o, const struct answers_plan *answers, struct judge_plan *plan,
                        struct err *err)
{
    const struct answer_opts *a = o->answer;
    const struct judge_opts *j = o->judge;
    struct judge_inputs in = { 0 };
    struct rig counter = { 0 };
    long to_come = 0;
    int rc = judge_inputs_read(&in, j, answers ? a->name : NULL, err);
    if (rc == 0 && answers)
        to_come = plan_answers_give(answers, a, &in.questions, &in.answers); /* before the grader looks: it counts calls by their prompts */
    if (rc == 0 && (rc = open_counter(o, &counter, err)) == 0)
        rc = plan_judge(plan, j, &in, counter.tokenizer ? &counter : NULL, err);
    if (rc == 0)
        plan_put_judge(out, plan, j, to_come, counter.model ? counter.model->config.context : 0);
    rig_close(&counter);
    judge_inputs_free(&in);
    return rc;
}

/* Collective: what the local judge takes when its turn comes, as rank 0's plan has its calls. 'alone': nothing has told the layout yet. */
static int plan_local_judge(struct buf *out, struct job *job, const struct judge_opts *j, const struct judge_plan *p, bool alone,
                            struct err *err)
{
    const struct job_info info = job_info(job);
    struct rig r = { 0 };
    struct rig_memory m;
    struct rig_opts ro = { .model_path = j->judge_path, .flag = "--judge-path", .model_id = j->judge_model, .fastchat = j->fastchat,
                           .data_dir = j->data_dir, .base_path = j->judge_base_path, .threads = j->threads, .devices = j->devices };
    long need[2] = { p->calls, p->longest }; /* calls, tokens of the longest sequence; rank 0 counted them */
    job_bcast(job, need, sizeof need);
    if (need[0] == 0)                    /* all ranks leave alike: the broadcast told them */
        return 0;
    ro.max_batch = need[0] < j->max_batch ? need[0] : j->max_batch;
    ro.max_tokens = need[1];
    int rc = rig_open(&r, job, &ro, err);
    if (rc == 0 && (rc = rig_plan(&r, &ro, &m, err)) == 0 && info.rank == 0) {
        if (alone)
            plan_put_layout(out, &info, &r);
        plan_put_memory(out, "judged by", &r, &m);
    }
    rig_close(&r);
    return rc;
}

/* Rank 0. What is left, how long that takes, and on other ranks. */
static int put_time(struct buf *out, const struct job_info *info, const struct plan_opts *o, const struct answers_plan *p,
                    const struct questions *qs, const struct rig *r, const struct rig_memory *m,
                    const struct speed *measured, struct err *err)
{
    struct plan_simulation s;
    struct plan_time t;
    int rc = plan_time(&t, p, o->answer, qs, r, measured, err);
    if (rc == 0) {
        plan_put_answers(out, p, &t, r->model->config.context);
        if (p->turns > p->done)
            plan_put_submit(out, info, r, m, &t);
    }
    if (rc == 0 && o->simulate && (rc = plan_simulate(&s, o->simulate, &t, p, o->answer, qs, r, err)) == 0)
        plan_put_simulation(out, &s, t.source != NULL);
    plan_time_free(&t);
    return rc;
}

/* Collective. On rank 0 *p is filled. */
static int plan_answering(struct buf *out, struct job *job, const struct plan_opts *o, struct answers_plan *p, struct err *err)
{
    const struct answer_opts *a = o->answer;
    struct questions qs = { 0 };
    struct rig r = { 0 };
    struct rig_opts ro;
    struct rig_memory m;
    const struct job_info info = job_info(job);
    const bool root = info.rank == 0;
    struct speed measured = { 0 };
    if (o->calibrate > 0 && calibrate(job, a, o->calibrate, &measured, err) < 0)
        return -1;                       /* agreed on */
    int rc = answer_open(job, a, &qs, &r, &ro, err); /* the very checks that the run itself makes */
    if (rc == 0 && (rc = job_agree(job, root ? plan_answers(p, a, &qs, &r, err) : 0, err)) == 0) {
        long left = root ? p->conversations : 0;
        job_bcast(job, &left, sizeof left);
        /* Memory for the conversations that are left, as the run plans it. */
        ro.max_batch = left && left < ro.max_batch ? left : ro.max_batch;
        rc = rig_plan(&r, &ro, &m, err);
    }
    if (rc == 0 && root) {
        plan_put_layout(out, &info, &r);
        plan_put_memory(out, "model", &r, &m);
        rc = put_time(out, &info, o, p, &qs, &r, &m, o->calibrate > 0 ? &measured : NULL, err);
    }
    rc = job_agree(job, rc, err);
    rig_close(&r);
    questions_free(&qs);
    return rc;
}

int plan_make(struct job *job, const struct plan_opts *o, struct buf *out, struct err *err)
{
    const struct answer_opts *a = o->answer;
    struct answers_plan answers = { 0 };
    struct judge_plan judge = { 0 };
    bool root = job_info(job).rank == 0;
    /* Answers first: what they take decides what the judge will get to see. */
    int rc = a ? plan_answering(out, job, o, &answers, err) : 0;
    if (rc == 0)
        rc = job_agree(job, root ? plan_judging(out, o, a ? &answers : NULL, &judge, err) : 0, err);
    if (rc == 0 && o->judge->judge_path)
        rc = plan_local_judge(out, job, o->judge, &judge, !a, err);
    plan_answers_free(&answers);
    return rc;
}
