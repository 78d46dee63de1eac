/* cmd_plan.c - the verb `plan`: what a run with these flags would take, before anything is computed or sent. */
#include "cmd.h"
#include "run_opts.h"

#include "mtbench/candidate.h"
#include "mtbench/log.h"
#include "mtbench/model.h"
#include "mtbench/plan_answers.h"
#include "mtbench/plan_judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

struct plan_opts {
    struct run_opts run;
    const char *judge_tokenizer;
};

static int parse(struct plan_opts *o, int argc, char **argv, struct err *err)
{
    *o = (struct plan_opts){0};
    run_opts_default(&o->run);
    struct judge_opts *j = &o->run.judge;
    const struct answer_opts *a = &o->run.answer;
    const struct opt more[] = {
        {"model-list", OPT_LIST, &j->model_list, NULL, "NAME...",
         "without --model-path: models whose answers are there (all in model_answer/)"},
        {"judge-tokenizer", OPT_STRING, &o->judge_tokenizer, NULL, "PATH",
         "model whose tokenizer and template count a hosted judge's tokens (estimated from bytes)"},
    };
    static const char about[] = "Say what answering (--model-path) and judging with these flags would take; compute and send nothing.";
    int rc = run_opts_parse(&o->run, "plan", about, more, 2, argc, argv, err);
    if (rc || judge_opts_check(j, err) < 0 || (a->model_path && answer_opts_check(&o->run.answer, err) < 0))
        return rc ? rc : -1;
    if (a->model_id && !a->model_path)
        return err_set(err, ERR_USAGE,
                       "--model-id: --model-path is missing; give the weights, or choose models whose answers are there with --model-list");
    if (a->model_path && j->model_list.n)
        return err_set(err, ERR_USAGE, "--model-list: with --model-path that model is the one to judge; leave one of them out");
    if (a->model_path && j->mode == MODE_PAIRWISE_ALL)
        return err_set(err, ERR_USAGE,
                       "--mode pairwise-all: run has one model; use single or pairwise-baseline, or leave --model-path out");
    return 0;
}

/* ---- words ---- */

static const char *time_of(double seconds, char text[40])
{
    long s = lround(seconds);
    if (s < 60)
        snprintf(text, 40, "%ld s", s);
    else if (s < 3600)
        snprintf(text, 40, "%ld min %ld s", s / 60, s % 60);
    else
        snprintf(text, 40, "%ld h %ld min", s / 3600, s / 60 % 60);
    return text;
}

static void print_memory(const char *whose, const struct rig *r, const struct rig_memory *m)
{
    printf("%-9s %.1f million parameters, %s, context %d\n", whose, model_parameters(&r->model->config) / 1e6, r->weights,
           r->model->config.context);
    printf("memory    %.1f MB = %.1f weights + %d x %.1f (%d sequences of up to %d tokens), of %.1f MB that this node can give\n",
           (double)rig_memory_node(m) / 1e6, (double)m->weights / 1e6, m->local, (double)rig_memory_rank(m) / 1e6, m->engine.max_batch,
           m->engine.max_tokens, (double)m->available / 1e6);
    if (m->engine.kv < (uint64_t)m->engine.max_batch * m->engine.kv_sequence)
        printf("          the KV cache holds fewer than %d of the longest sequences; should they all be that long, some wait\n",
               m->engine.max_batch);
}

static void print_layout(const struct job *job, const struct rig *r)
{
    struct job_info i = job_info(job);
    printf("layout    %d rank%s on %d node%s, %d thread%s each, %s\n", i.size, i.size == 1 ? "" : "s", i.n_nodes, i.n_nodes == 1 ? "" : "s",
           r->n_threads, r->n_threads == 1 ? "" : "s", r->isa);
}

static void print_answers(const struct answers_plan *p, const struct rig *r)
{
    char text[40];
    printf("answers   %ld turns, %ld done, %ld to come: %" PRId64 " tokens in first prompts, about %.0f new tokens, at most %" PRId64 "\n",
           p->turns, p->done, p->turns - p->done, p->prompt_tokens, p->expected, p->most);
    if (p->turns == p->done)
        return;
    if (p->tight)
        printf("          %ld question%s may outgrow the context of %d tokens and be cut there; a lower --max-new-token leaves them room\n",
               p->tight, p->tight == 1 ? "" : "s", r->model->config.context);
    if (p->rate > 0)
        printf("time      about %s at %.0f tok/s, the speed of the turns that are done\n", time_of(p->expected / p->rate, text), p->rate);
    else
        printf("time      unknown until some turns are done: answer a few with --first-n and plan again\n");
}

static void print_price(const struct judge_plan *p, const struct judge_opts *o)
{
    double likely = plan_judge_cost(p, (double)p->tokens_in, p->tokens_out),
           most = plan_judge_cost(p, (double)p->most_in, (double)p->most_out);
    if (o->judge_path)
        return;
    if (likely < 0) {
        printf("price     unknown; give --price-in and --price-out, or a line for %s in %s/prices.txt\n", o->judge_model, o->data_dir);
        return;
    }
    bool given = o->given_price_in && o->given_price_out;
    printf("price     about $ %.2f, at most $ %.2f (per million tokens $ %g in, $ %g out, %s%s)", likely, most, p->price_in, p->price_out,
           given ? "as given" : o->data_dir, given ? "" : "/prices.txt");
    if (p->spent > 0)
        printf("; spent so far $ %.2f", p->spent);
    printf("\n");
    if (o->fallback)
        printf("          what %s is asked in its place comes on top\n", o->fallback);
    if (o->max_cost > 0 && p->spent + likely > o->max_cost)
        printf("          --max-cost %g would stop it before its end\n", o->max_cost);
}

static void print_judge(const struct judge_plan *p, const struct judge_opts *o, long to_come, int context)
{
    char text[40];
    printf("judge     %s, %s: %ld judgments, %ld done, %ld calls to come", o->judge_model, o->mode_name, p->judgments, p->done, p->calls);
    if (p->unanswered)
        printf("; %ld have no answer to judge", p->unanswered);
    printf("\n");
    if (p->calls == 0)
        return;
    printf("tokens    %" PRId64 " in (%s%s), about %.0f out; at most %" PRId64 " in, %" PRId64 " out\n", p->tokens_in,
           p->counted ? "counted with its tokenizer" : "estimated from their bytes",
           to_come ? "; answers to come taken as of usual length" : "", p->tokens_out, p->most_in, p->most_out);
    if (p->too_long)
        printf("          %ld prompt%s not fit the judge's context of %d tokens and will not be judged\n", p->too_long,
               p->too_long == 1 ? " does" : "s do", context);
    if (p->tight)
        printf("          %ld prompt%s less than --judge-max-tokens %ld of the context of %d for the judgment\n", p->tight,
               p->tight == 1 ? " leaves" : "s leave", o->max_tokens, context);
    print_price(p, o);
    if (p->seconds > 0 && !o->judge_path)
        printf("time      about %s at %.1f s a call, as so far, %ld in flight\n",
               time_of(ceil((double)p->calls / (double)o->parallel) * p->seconds, text), p->seconds, o->parallel);
}

/* ---- planning ---- */

/* The judge's own tokenizer and template, where there are any. Rank 0 alone. 0 without them too. */
static int open_counter(const struct plan_opts *o, struct rig *r, struct err *err)
{
    const struct judge_opts *j = &o->run.judge;
    const char *path = o->judge_tokenizer ? o->judge_tokenizer : j->judge_path;
    struct rig_opts ro = { .model_path = path, .model_id = j->judge_model };
    if (!path)
        return 0;
    return rig_open(r, NULL, &ro, err) < 0 ? err_wrap(err, o->judge_tokenizer ? "--judge-tokenizer" : "--judge-path") : 0;
}

/* Rank 0. 'answers': what answering would take; NULL: the answers are there. */
static int plan_judging(const struct plan_opts *o, const struct answers_plan *answers, struct judge_plan *plan, struct err *err)
{
    const struct answer_opts *a = &o->run.answer;
    const struct judge_opts *j = &o->run.judge;
    struct judge_inputs in = {0};
    struct rig counter = {0};
    long to_come = 0;
    int rc = judge_inputs_read(&in, j, answers ? a->name : NULL, err);
    if (rc == 0 && answers)
        to_come = plan_answers_give(answers, a, &in.questions, &in.answers);
    if (rc == 0 && (rc = open_counter(o, &counter, err)) == 0)
        rc = plan_judge(plan, j, &in, counter.tokenizer ? &counter : NULL, err);
    if (rc == 0)
        print_judge(plan, j, to_come, counter.model ? counter.model->config.context : 0);
    rig_close(&counter);
    judge_inputs_free(&in);
    return rc;
}

/* Collective: what the local judge takes when its turn comes, as rank 0's plan has its calls. 'alone': nothing has told the layout yet. */
static int plan_local_judge(struct job *job, const struct judge_opts *j, const struct judge_plan *p, bool alone, struct err *err)
{
    struct rig r = {0};
    struct rig_memory m;
    struct rig_opts ro = { .model_path = j->judge_path, .model_id = j->judge_model, .threads = j->threads };
    long need[2] = { p->calls, p->longest };
    job_bcast(job, need, sizeof need);
    if (need[0] == 0)
        return 0;
    ro.max_batch = need[0] < j->max_batch ? need[0] : j->max_batch;
    ro.max_tokens = need[1];
    int rc = rig_open(&r, job, &ro, err);
    if (rc == 0 && (rc = rig_plan(&r, &ro, &m, err)) == 0 && job_info(job).rank == 0) {
        if (alone)
            print_layout(job, &r);
        print_memory("judged by", &r, &m);
    }
    rig_close(&r);
    return rc;
}

/* Collective. On rank 0 *p is filled. */
static int plan_answering(struct job *job, const struct answer_opts *a, struct answers_plan *p, struct err *err)
{
    struct questions qs = {0};
    struct rig r = {0};
    struct rig_opts ro;
    struct rig_memory m;
    bool root = job_info(job).rank == 0;
    int rc = answer_open(job, a, &qs, &r, &ro, err);
    if (rc == 0 && (rc = job_agree(job, root ? plan_answers(p, a, &qs, &r, err) : 0, err)) == 0) {
        long left = root ? p->conversations : 0;
        job_bcast(job, &left, sizeof left);
        ro.max_batch = left && left < ro.max_batch ? left : ro.max_batch;
        rc = rig_plan(&r, &ro, &m, err);
    }
    if (rc == 0 && root) {
        print_layout(job, &r);
        print_memory("model", &r, &m);
        print_answers(p, &r);
    }
    rig_close(&r);
    questions_free(&qs);
    return rc;
}

static int plan(struct job *job, const struct plan_opts *o, struct err *err)
{
    const struct answer_opts *a = &o->run.answer;
    struct answers_plan answers = {0};
    struct judge_plan judge = {0};
    bool root = job_info(job).rank == 0;
    int rc = a->model_path ? plan_answering(job, a, &answers, err) : 0;
    if (rc == 0)
        rc = job_agree(job, root ? plan_judging(o, a->model_path ? &answers : NULL, &judge, err) : 0, err);
    if (rc == 0 && o->run.judge.judge_path)
        rc = plan_local_judge(job, &o->run.judge, &judge, !a->model_path, err);
    plan_answers_free(&answers);
    return rc;
}

int cmd_plan(struct job *job, int argc, char **argv)
{
    struct plan_opts o;
    struct err err = {0};
    int rc = parse(&o, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0 && (rc = verb_log(job, o.run.answer.log_dir, o.run.answer.quiet, o.run.answer.verbose, &err)) == 0)
        rc = plan(job, &o, &err);
    if (rc < 0 && job_info(job).rank == 0)
        log_error("%s", err.text);
    return rc == 0 ? EXIT_COMPLETE : err.kind == ERR_DEVICE ? EXIT_PREFLIGHT : EXIT_INPUT;
}
