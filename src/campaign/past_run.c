/* past_run.c - a run that was made before. What it was made with stands in the journal's manifest and, to the last bit, in its records. */
#include "mtbench/past_run.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MODEL_PATH, BASE_PATH, MODEL_ID, TEMPLATE, BENCH, N_WORDS };

struct past_run {
    struct buf manifest;                 /* its line */
    char *word[N_WORDS];                 /* of it, as struct answer_opts points at them; NULL: not recorded */
    char *answer_file, *journal_file;    /* rank 0 */
    struct journal *journal;             /* rank 0 */
};

/* What the records say, from rank 0 to all. */
struct recorded {
    struct generation sampler;           /* exact: a manifest rounds to six digits */
    long num_choices;
    bool any;                            /* is there a finished turn? */
};

static int see_turn(void *ctx, const struct turn_record *t, bool counts)
{
    struct recorded *r = ctx;
    r->num_choices = t->choice >= r->num_choices ? t->choice + 1L : r->num_choices; /* of turns that failed, too: they are counted */
    if (!counts)
        return 0;
    /* The same in all turns, which a manifest sees to; the temperature counts where it is not the category's. */
    r->sampler = (struct generation){
        .has_temperature = true, .has_top_p = true, .has_top_k = true, .has_min_p = true, .has_repetition_penalty = true,
        .temperature = (float)t->temperature, .top_p = (float)t->top_p, .min_p = (float)t->min_p,
        .repetition_penalty = (float)t->repetition_penalty, .top_k = t->top_k,
    };
    r->any = true;
    return 0;
}

static int check_place(const struct past_run *p, struct err *err)
{
    const int there = io_exists(p->journal_file, err);
    if (there != 0)
        return there < 0 ? -1 : 0;
    if (access(p->answer_file, F_OK) == 0)
        return err_set(err, ERR_USAGE,
                       "%s: has no journal beside it (%s): another program made these answers and left nothing that says how, so they "
                       "cannot be computed again; verify runs of `mtbench answer`",
                       p->answer_file, strrchr(p->journal_file, '/') ? strrchr(p->journal_file, '/') + 1 : p->journal_file);
    return err_set(err, ERR_USAGE, "%s: there is no such run; name one by --model-id and --data-dir, or by --answer-file", p->journal_file);
}

static int read_run(struct past_run *p, struct recorded *r, struct err *err)
{
    if (check_place(p, err) < 0 || !(p->journal = journal_peek(p->journal_file, NULL, err)))
        return -1;
    const char *line = journal_manifest(p->journal);
    journal_each(p->journal, see_turn, r);
    if (!line || !r->any)
        return err_set(err, ERR_USAGE, "%s: has no finished turn yet; there is nothing to verify", p->journal_file);
    char *sampler = manifest_value(line, "sampler");
    static const char by_category[] = "temperature by category";
    r->sampler.has_temperature = !sampler || strncmp(sampler, by_category, sizeof by_category - 1);
    free(sampler);
    buf_str(&p->manifest, line);
    return 0;
}

/* A flag that was typed stays: where it says something else, the comparison of manifests refuses it by name. */
static void fill_sampler(struct generation *to, const struct generation *from)
{
    const struct generation typed = *to;
    *to = *from;
    if (typed.has_temperature)
        to->has_temperature = true, to->temperature = typed.temperature;
    if (typed.has_top_p)
        to->top_p = typed.top_p;
    if (typed.has_top_k)
        to->top_k = typed.top_k;
    if (typed.has_min_p)
        to->min_p = typed.min_p;
    if (typed.has_repetition_penalty)
        to->repetition_penalty = typed.repetition_penalty;
}

static void fill_number(const struct past_run *p, const char *name, bool typed, long *to)
{
    char *value = typed ? NULL : manifest_value(p->manifest.data, name);
    if (value)
        *to = strtol(value, NULL, 10);
    free(value);
}

/* Its name is in the random streams: under another one the same questions get other answers. */
static int fill_bench(struct past_run *p, const struct past_given *given, struct answer_opts *o, struct err *err)
{
    const char *was = p->word[BENCH];
    if (was && given->bench_name && strcmp(was, o->bench_name))
        return err_set(err, ERR_USAGE, "--bench-name %s: that run answered %s; leave the flag out", o->bench_name, was);
    o->bench_name = was ? was : o->bench_name;
    return 0;
}

static int fill(struct past_run *p, const struct recorded *r, const struct past_given *given, struct answer_opts *o, struct err *err)
{
    static const char *const name[N_WORDS] = { "model_path", "adapter_base_path", "model_id", "chat_template", "bench" };
    for (int i = 0; i < N_WORDS; i++)
        p->word[i] = manifest_value(p->manifest.data, name[i]);
    if (!o->model_path && !o->base_path) /* of that run's adapter; a path that was typed may be of none */
        o->base_path = p->word[BASE_PATH];
    o->model_path = o->model_path ? o->model_path : p->word[MODEL_PATH];
    o->model_id = o->model_id ? o->model_id : p->word[MODEL_ID];
    o->chat_template = o->chat_template ? o->chat_template : p->word[TEMPLATE];
    fill_sampler(&o->sampler, &r->sampler);
    fill_number(p, "seed", given->seed, &o->seed);
    fill_number(p, "max_new_token", given->max_new_token, &o->max_new_token);
    o->num_choices = r->num_choices;
    return fill_bench(p, given, o, err);
}

struct past_run *past_run_open(struct job *job, struct answer_opts *o, const struct past_given *given, struct err *err)
{
    struct past_run *p = xcalloc(1, sizeof *p);
    struct recorded r = {0};
    int rc = 0;
    if (job_info(job).rank == 0) {
        p->answer_file = answer_opts_path(o);
        p->journal_file = journal_path(p->answer_file);
        rc = read_run(p, &r, err);
    }
    if (job_agree(job, rc, err) < 0) {
        past_run_close(p);
        return NULL;
    }
    job_bcast(job, &r, sizeof r);
    job_bcast_buf(job, &p->manifest);
    buf_str(&p->manifest, "");           /* its NUL, which is not sent */
    if (fill(p, &r, given, o, err) == 0) /* alike on all ranks */
        return p;
    past_run_close(p);
    return NULL;
}

void past_run_close(struct past_run *p)
{
    if (!p)
        return;
    journal_close(p->journal);
    buf_free(&p->manifest);
    for (int i = 0; i < N_WORDS; i++)
        free(p->word[i]);
    free(p->answer_file);
    free(p->journal_file);
    free(p);
}

const struct journal *past_run_journal(const struct past_run *p)
{
    return p->journal;
}

const char *past_run_answer_file(const struct past_run *p)
{
    return p->answer_file;
}

const char *past_run_manifest(const struct past_run *p)
{
    return p->manifest.data;
}

int past_run_check(const struct past_run *p, const struct manifest *now, struct err *err)
{
    struct buf b = {0};
    cJSON *stored = json_parse(p->manifest.data, p->manifest.len, err);
    int rc = stored ? 0 : -1;
    if (stored && manifest_differences(now, stored, &b))
        rc = err_set(err, ERR_USAGE, "that run was made otherwise: %s; verify it with its own model, template, flags and numerics", b.data);
    cJSON_Delete(stored);
    buf_free(&b);
    return rc;
}
