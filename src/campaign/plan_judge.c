/* plan_judge.c - what judging would take: the grader is asked for every call that the journal lacks, and none is sent. */
#include "mtbench/plan_judge.h"

#include "mtbench/grader.h"
#include "mtbench/judging.h"
#include "mtbench/local.h"

#include <stdlib.h>
#include <string.h>

static int count_tokens(struct judge_plan *p, const struct call *c, const struct rig *judge, struct err *err)
{
    struct prompt prompt = {0};
    bool merged;
    int rc = local_prompt(&prompt, judge->tokenizer, judge->chat, c, &merged, err);
    long n = (long)prompt.ids.n, all = rc == 0 ? local_tokens(judge->tokenizer, judge->chat, c, &n) : 0;
    p->tokens_in += n;
    p->too_long += n >= judge->model->config.context; /* refused when it comes */
    p->tight += n < judge->model->config.context && n + c->max_tokens > judge->model->config.context; /* may be cut before its verdict */
    p->longest = all > p->longest ? all : p->longest;
    prompt_free(&prompt);
    return rc;
}

static int64_t guess_tokens(const struct call *c)
{
    size_t bytes = 0;
    for (int i = 0; i < c->n_messages; i++)
        bytes += strlen(c->message[i].content);
    return (int64_t)((double)bytes / PLAN_BYTES_PER_TOKEN + 0.5); /* hosted: no tokenizer to ask */
}

static int count_calls(struct judge_plan *p, struct grader *g, const struct rig *judge, bool hosted, struct err *err)
{
    const struct call *c;
    while ((c = grader_next(g))) {
        if (judge && count_tokens(p, c, judge, err) < 0)
            return -1;
        p->tokens_in += judge ? 0 : guess_tokens(c);
        p->calls++;
        p->tokens_out += c->max_tokens < PLAN_JUDGMENT_TOKENS ? c->max_tokens : PLAN_JUDGMENT_TOKENS;
        p->most_out += (hosted ? 3 : 1) * (int64_t)c->max_tokens; /* once more with twice the limit, if all are cut */
    }
    p->most_in = (hosted ? 2 : 1) * p->tokens_in;
    return 0;
}

int plan_judge(struct judge_plan *p, const struct judge_opts *o, struct judge_inputs *in, const struct rig *judge, struct err *err)
{
    bool hosted = !o->judge_path;
    *p = (struct judge_plan){ .counted = judge != NULL, .price_in = -1, .price_out = -1 };
    if (hosted && judging_prices(o, &p->price_in, &p->price_out, err) < 0)
        return -1;
    struct call_journal *journal = call_journal_peek(in->journal, err);
    struct grader_opts go = {
        .judge = o->judge_model, .matches = &in->matches, .answers = &in->answers, .reference = in->reference, .journal = journal,
        .repeat = (int)o->repeat, .max_tokens = (int)o->max_tokens, .constrained = o->constrained,
        .ask_filtered = o->fallback != NULL,
    };
    struct grader *g = journal ? grader_create(&go, err) : NULL;
    if (g)
        grader_close(g);                 /* answers that are not there will not come */
    int rc = g ? 0 : -1;
    for (int r = 1; r <= o->repeat && rc == 0; r++) {
        struct grader_taken taken;
        char *path = judge_inputs_output(in, r);
        /* What a run would take over costs nothing: without this the plan would count FastChat's judgments again. */
        rc = grader_take_over(g, r, path, &taken, err);
        free(path);
    }
    rc = rc == 0 ? count_calls(p, g, judge, hosted, err) : -1;
    if (rc == 0) {
        struct grader_now now = grader_now(g);
        struct call_totals t = call_journal_totals(journal);
        p->judgments = now.total;
        p->unanswered = now.by_status[JUDGMENT_NO_ANSWER];
        p->done = now.done - p->unanswered;
        p->spent = now.paid.cost;
        p->seconds = t.calls ? t.seconds / (double)t.calls : 0; /* per call, of earlier ones; 0: nobody knows */
    }
    grader_destroy(g);
    call_journal_close(journal);
    return rc;
}

double plan_judge_cost(const struct judge_plan *p, double tokens_in, double tokens_out)
{
    return p->price_in < 0 || p->price_out < 0 ? -1 : (tokens_in * p->price_in + tokens_out * p->price_out) / 1e6;
}
