/* candidate.c - the whole of answering: questions in, answers out, on all ranks of the job.
 * Rank 0 reads the questions, keeps the journal and deals conversations; every rank, rank 0 too, answers them. */
#include "mtbench/candidate.h"

#include "mtbench/exit_code.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rank 0 reads the question file, all ranks parse the same bytes. */
int answer_questions(struct job *job, const struct answer_opts *o, struct questions *qs, struct err *err)
{
    char *path = bench_questions_path(o->data_dir, o->bench_name);
    struct buf b = {0};
    int rc = 0;
    if (job_info(job).rank == 0 && (rc = io_read(path, &b, err)) < 0) {
        err_wrap(err, "--bench-name %s", o->bench_name);
        err_advise(err, "name the folder of the question sets by --data-dir; mtbench fetch --data-dir DIR brings the official one there");
    }
    /* The file's bytes go to all ranks: parsed apart they are equal, and a shared disk is asked once. */
    if ((rc = job_agree(job, rc, err)) == 0) {
        job_bcast_buf(job, &b);
        rc = questions_parse(path, b.data, b.len, qs, err); /* alike on all ranks: no agreement is needed behind it */
        if (rc == 0 && (rc = questions_slice(qs, &o->slicing, err)) < 0)
            questions_free(qs);
    }
    buf_free(&b);
    free(path);
    return rc;
}

int answer_try_template(const struct question *q, const struct rig *r, struct err *err)
{
    struct chat_message *m = xcalloc(2 * (size_t)q->n_turns, sizeof *m);
    int rc = 0;
    for (int t = 0; t < q->n_turns && rc == 0; t++) { /* every turn: some templates refuse only what comes later */
        struct prompt p = {0};
        m[2 * t] = (struct chat_message){ "user", q->turn[t], strlen(q->turn[t]) };
        /* Some templates refuse empty or missing turns. */
        m[2 * t + 1] = (struct chat_message){ "assistant", "An answer.", strlen("An answer.") };
        if ((rc = prompt_build(&p, r->tokenizer, r->chat, m, 2 * t + 1, err)) < 0) {
            err_wrap(err, "question %lld, turn %d", (long long)q->id, t + 1);
            err_advise(err, "correct the template, or choose another by --chat-template");
        }
        prompt_free(&p);
    }
    free(m);
    return rc;
}

static void say_once(const struct answer_opts *o, const struct rig *r)
{
    static const struct { const char *word, *stored; } same[] = {
        [DTYPE_F32] = { "float32", "F32" }, [DTYPE_F16] = { "float16", "F16" }, [DTYPE_BF16] = { "bfloat16", "BF16" },
    };
    /* FastChat converts on load. Here a flag that has no effect is said once rather than refused: the numbers are those of the file. */
    if (o->dtype != DTYPE_STORED && strcmp(r->weights, same[o->dtype].stored))
        log_note("--dtype %s: weights are not converted but used as they are stored (%s), with sums in float32", same[o->dtype].word,
                 r->weights);
    log_verbose("model of %d layers, %s weights, template %s", r->model->config.n_layers, r->weights, chat_name(r->chat));
}

static void put_stops(struct manifest *m, const struct rig *r)
{
    struct buf b = {0};
    for (size_t i = 0; i < r->stops.n; i++)
        buf_printf(&b, "%s%d", i ? " " : "", (int)r->stops.id[i]);
    manifest_add(m, true, "stop_ids", "%s", b.len ? b.data : "none"); /* identity: other stops are other answers */
    buf_free(&b);
}

/* Its base apart from the rest: a resume on another one is told so. */
static void put_adapter(struct manifest *m, const struct rig *r)
{
    const struct adapter_facts *a = model_adapter(r->model);
    if (!a)
        return;
    manifest_add(m, true, "adapter_base_header_sha256", "%s", r->base_sha256);
    manifest_add(m, false, "adapter", "LoRA, r %d, alpha %g", a->r, a->alpha);
    manifest_add(m, false, "adapter_base", "%s", a->base);
    manifest_add(m, false, "adapter_base_path", "%s", a->folder);
}

/* true: what makes the answers what they are; a resume with another value is refused. false: for people, may
 * differ. */
void answer_describe(struct manifest *m, const struct answer_opts *o, const struct questions *qs, const struct rig *r)
{
    const struct sampling common = sampler_common(&o->sampler, &r->model->config);
    put_adapter(m, r);
    manifest_add(m, true, "model_header_sha256", "%s", r->header_sha256);
    manifest_add(m, true, "template", "%s %s", chat_name(r->chat), chat_sha256(r->chat));
    if (rig_text_source(r))
        manifest_add(m, false, "template_text", "%s", rig_text_source(r)); /* the template's hash, above, is over the text itself */
    char *sampler = sampler_words(&common);
    manifest_add(m, true, "sampler", "%s", sampler);
    free(sampler);
    manifest_add(m, true, "max_new_token", "%ld", o->max_new_token);
    put_stops(m, r);
    manifest_add(m, true, "seed", "%ld", o->seed);
    /* Raised whenever the bits of a forward pass change: two halves of one file must not be made by two arithmetics. */
    manifest_add(m, true, "numerics", "%s", r->numerics);
    manifest_add(m, false, "program", "mtbench %s", MTB_VERSION);
    manifest_add(m, false, "model_id", "%s", o->name);
    manifest_add(m, false, "model_path", "%s", o->model_path);
    manifest_add(m, false, "chat_template", "%s", o->chat_template ? o->chat_template : "auto"); /* asked for; what came of it: above */
    manifest_add(m, false, "bench", "%s", o->bench_name);
    manifest_add(m, false, "weights", "%s", r->weights);
    manifest_add(m, false, "question_file_sha256", "%s", qs->sha256); /* the questions are compared one by one, by their own hashes */
}

/* A bound on the tokens of a conversation, well above what texts and limits allow, well below the context of some models: a sequence
 * that needs all of a context of 128k tokens need not fit into memory for answers of a thousand. */
static long longest(const struct questions *qs, long max_new_token)
{
    long most = 0;
    for (int i = 0; i < qs->n; i++) {
        long tokens = 4096;              /* the template's own text */
        for (int t = 0; t < qs->q[i].n_turns; t++)
            tokens += 2 * ((long)strlen(qs->q[i].turn[t]) + max_new_token); /* a token is a byte at least, twice for safety */
        most = tokens > most ? tokens : most;
    }
    return most;
}

/* How many can run together: no more than there are. */
static long conversations(const struct answer_opts *o, const struct questions *qs)
{
    long all = qs->n * o->num_choices;
    return all < o->max_batch ? all : o->max_batch;
}

static int exit_code(const struct answer_opts *o, const struct answer_result *res)
{
    if (res->stopped)
        return EXIT_RESUME;
    return (double)res->failed > o->max_error_rate * (double)res->total ? EXIT_FAILURES : EXIT_COMPLETE;
}

struct rig_opts answer_rig_opts(const struct answer_opts *o, const struct questions *qs)
{
    return (struct rig_opts){
        .model_path = o->model_path,
        .base_path = o->base_path,
        .revision = o->revision,
        .model_id = o->model_id,
        .chat_template = o->chat_template,
        .fastchat = o->fastchat,
        .data_dir = o->data_dir,
        .scratch = o->scratch,
        .threads = o->threads,
        .devices = o->devices,
        .max_batch = conversations(o, qs),
        .max_tokens = longest(qs, o->max_new_token),
        .interruptible = true,
    };
}

int answer_open(struct job *job, const struct answer_opts *o, struct questions *qs, struct rig *rig, struct rig_opts *ro, struct err *err)
{
    if (answer_questions(job, o, qs, err) < 0)
        return -1;
    *ro = answer_rig_opts(o, qs);
    /* Everything that can refuse comes before the weights are read, which takes minutes and is rig_start()'s. */
    if (rig_open(rig, job, ro, err) < 0 || answer_try_template(&qs->q[0], rig, err) < 0)
        return -1;
    return 0;
}

int answer_with(struct job *job, const struct answer_opts *o, const struct questions *qs, struct rig *rig, const struct rig_opts *ro,
                const struct answer_watch *watch, struct answer_result *res, struct err *err)
{
    struct manifest manifest = {0};
    char words[128];
    int code = EXIT_INPUT;
    say_once(o, rig);
    answer_describe(&manifest, o, qs, rig); /* before the run: the journal compares it with what it holds */
    placement_words(&rig->place, job_info(job).size, job_info(job).n_nodes, words);
    manifest_add(&manifest, false, "layout", "%s", words); /* of the first start: answers do not depend on it */
    if (answer_run(job, o, qs, rig, ro, watch, &manifest, res, err) == 0)
        code = exit_code(o, res);
    else if (err->kind == ERR_DEVICE)
        code = EXIT_PREFLIGHT;
    manifest_free(&manifest);
    return code;
}

int answer_all(struct job *job, const struct answer_opts *o, const struct answer_watch *watch, struct err *err)
{
    struct questions qs = {0};
    struct rig rig = {0};
    struct rig_opts ro;
    struct answer_result res = {0};
    int code = EXIT_INPUT;
    if (answer_open(job, o, &qs, &rig, &ro, err) < 0)
        code = err->kind == ERR_DEVICE ? EXIT_PREFLIGHT : EXIT_INPUT;
    else
        code = answer_with(job, o, &qs, &rig, &ro, watch, &res, err);
    rig_close(&rig);
    questions_free(&qs);
    return code;
}
