/* plan_text.c - a plan in words. */
#include "mtbench/plan_text.h"

#include "mtbench/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Two units at most: the rest would pretend to be known. */
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

void plan_put_memory(struct buf *out, const char *whose, const struct rig *r, const struct rig_memory *m)
{
    buf_printf(out, "%-9s %.1f million parameters, %s, context %d\n", whose, model_parameters(&r->model->config) / 1e6, r->weights,
               r->model->config.context);
    buf_printf(out, "memory    %.1f MB = %.1f weights + %d x %.1f (%d sequences of up to %d tokens), of %.1f MB that this %s can give\n",
               (double)rig_memory_node(m) / 1e6, (double)m->weights / 1e6, m->local, (double)rig_memory_rank(m) / 1e6, m->engine.max_batch,
               m->engine.max_tokens, (double)m->available / 1e6, m->device ? "GPU" : "node");
    buf_printf(out, "          and %.1f MB for reading", (double)m->reading / 1e6);
    if (m->adapter)
        buf_printf(out, " and %.1f MB for the adapter", (double)m->adapter / 1e6);
    buf_str(out, " while the weights are loaded\n");
    if (m->engine.kv < (uint64_t)m->engine.max_batch * m->engine.kv_sequence) /* fewer pages than the worst case: right, but slower */
        buf_printf(out, "          the KV cache holds fewer than %d of the longest sequences; should they all be that long, some wait\n",
                   m->engine.max_batch);
}

void plan_put_layout(struct buf *out, const struct job_info *i, const struct rig *r)
{
    char words[128];
    placement_words(&r->place, i->size, i->n_nodes, words);
    if (r->n_threads)
        buf_printf(out, "layout    %s, %d thread%s each, %s\n", words, r->n_threads, r->n_threads == 1 ? "" : "s", r->isa);
    else                                 /* not on cores */
        buf_printf(out, "layout    %s, %s\n", words, r->isa);
}

void plan_put_answers(struct buf *out, const struct answers_plan *p, const struct plan_time *t, int context)
{
    char text[40];
    buf_printf(out,
               "answers   %ld turns, %ld done, %ld to come: %" PRId64 " tokens in first prompts, about %.0f new tokens, at most %" PRId64
               "\n",
               p->turns, p->done, p->turns - p->done, p->prompt_tokens, p->expected, p->most);
    if (p->turns == p->done)             /* nothing to compute: no time, no limits */
        return;
    if (p->tight)
        buf_printf(
            out,
            "          %ld question%s may outgrow the context of %d tokens and be cut there; a lower --max-new-token leaves them room\n",
            p->tight, p->tight == 1 ? "" : "s", context);
    /* Only from steps that were really made here: a guess from the weights' size would be off by the machine. */
    if (t->seconds > 0) {
        buf_printf(out, "time      about %s", time_of(t->seconds, text));
        buf_printf(out, " and %s for loading, by %s\n", time_of(t->speed.load, text), t->source);
    } else if (p->rate > 0)
        buf_printf(out, "time      about %s at %.0f tok/s, the speed of the turns that are done\n", time_of(p->expected / p->rate, text),
                   p->rate);
    else
        buf_str(out, "time      unknown until some turns are done: give --calibrate 10, or answer a few with --first-n and plan again\n");
}

void plan_put_simulation(struct buf *out, const struct plan_simulation *s, bool seconds)
{
    char text[3][40];
    buf_printf(out, "simulate  %d rank%s: %ld turns, %ld of them of stored and the others of typical length, about %.0f tokens\n", s->ranks,
               s->ranks == 1 ? "" : "s", s->turns, s->stored, s->tokens);
    if (seconds)
        buf_printf(out, "          about %s (%s to %s),", time_of(s->seconds, text[0]), time_of(s->least, text[1]),
                   time_of(s->most, text[2]));
    else                                 /* law 5: no seconds are invented */
        buf_printf(out, "          seconds unknown until a run has shown what a step costs; if it is as much as 20 of its rows:");
    buf_printf(out, " %.1f times as fast as %s, %.2f times the shortest possible, busy %.0f %% (the idlest rank %.0f %%)\n", s->faster,
               s->engines == s->ranks ? "one rank" : "one model", s->over, 100 * s->busy, 100 * s->busy_least);
}

void plan_put_submit(struct buf *out, const struct job_info *i, const struct rig *r, const struct rig_memory *m, const struct plan_time *t)
{
    const double spare = 1.25, slack = 1.5, around = 120;    /* of memory; of time, and seconds of it for start and end */
    const int per_node = (i->size + i->n_nodes - 1) / i->n_nodes;
    const long minutes = (long)ceil((t->seconds * slack + t->speed.load * slack + around) / 60);
    buf_printf(out, "submit    sbatch --nodes=%d --ntasks-per-node=%d --cpus-per-task=%d --mem=%.0fM", i->n_nodes, per_node,
               r->n_threads ? r->n_threads : 1, ceil(spare * (double)(rig_memory_node(m) + m->reading + m->adapter) / 1048576 + 256));
    if (m->device)                       /* all of a node's cards for all of its tasks: --gpus-per-task would hide each other's */
        buf_printf(out, " --gpus-per-node=%d", per_node * r->place.n);
    if (t->seconds > 0)
        buf_printf(out, " --time=%ld:%02ld:00", minutes / 60, minutes % 60);
    buf_printf(out, " --signal=USR1@60%s\n", t->seconds > 0 ? "" : " (and --time=, which is not known yet)");
}

static void put_price(struct buf *out, const struct judge_plan *p, const struct judge_opts *o)
{
    double likely = plan_judge_cost(p, (double)p->tokens_in, p->tokens_out),
           most = plan_judge_cost(p, (double)p->most_in, (double)p->most_out);
    if (o->judge_path)                   /* one's own engine has no price */
        return;
    if (likely < 0) {                    /* law 5: unknown is said, and is never $ 0.00 */
        buf_printf(out, "price     unknown; give --price-in and --price-out, or a line for %s in %s/prices.txt\n", o->judge_model,
                   o->data_dir);
        return;
    }
    buf_printf(out, "price     about $ %.2f, at most $ %.2f (per million tokens $ %g in, $ %g out, ", likely, most, p->price_in,
               p->price_out);
    if (o->given_price_in && o->given_price_out)
        buf_printf(out, "as given)");
    else                                 /* a flag for one of them leaves the other one to the file */
        buf_printf(out, "%s%s/prices.txt)", o->given_price_in ? "in as given, out " : o->given_price_out ? "out as given, in " : "",
                   o->data_dir);
    if (p->spent > 0)
        buf_printf(out, "; spent so far $ %.2f", p->spent);
    buf_printf(out, "\n");
    if (o->fallback)
        buf_printf(out, "          what %s is asked in its place comes on top\n", o->fallback);
    if (o->max_cost > 0 && p->spent + likely > o->max_cost) /* told now, rather than by a stop in the middle */
        buf_printf(out, "          --max-cost %g would stop it before its end\n", o->max_cost);
}

void plan_put_judge(struct buf *out, const struct judge_plan *p, const struct judge_opts *o, long to_come, int context)
{
    char text[40];
    buf_printf(out, "judge     %s, %s: %ld judgments, %ld done, %ld calls to come", o->judge_model, judge_mode_word(o->mode), p->judgments,
               p->done, p->calls);
    if (p->unanswered)
        buf_printf(out, "; %ld have no answer to judge", p->unanswered);
    buf_printf(out, "\n");
    if (p->calls == 0)
        return;
    buf_printf(out, "tokens    %" PRId64 " in (%s%s), about %.0f out; at most %" PRId64 " in, %" PRId64 " out\n", p->tokens_in,
               p->counted ? "counted with its tokenizer" : "estimated from their bytes",
               to_come ? "; answers to come taken as of usual length" : "", p->tokens_out, p->most_in, p->most_out);
    if (p->too_long)
        buf_printf(out, "          %ld prompt%s not fit the judge's context of %d tokens and will not be judged\n", p->too_long,
                   p->too_long == 1 ? " does" : "s do", context);
    if (p->tight)
        buf_printf(out, "          %ld prompt%s less than --judge-max-tokens %ld of the context of %d for the judgment\n", p->tight,
                   p->tight == 1 ? " leaves" : "s leave", o->max_tokens, context);
    put_price(out, p, o);
    if (p->seconds > 0 && !o->judge_path)
        buf_printf(out, "time      about %s at %.1f s a call, as so far, %ld in flight\n",
                   /* Waves of --parallel calls, each as long as a call took so far. */
                   time_of(ceil((double)p->calls / (double)o->parallel) * p->seconds, text), p->seconds, o->parallel);
}
