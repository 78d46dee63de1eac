/* judge_inputs.c - everything that judging reads, from FastChat's places under the data folder. */
#include "mtbench/judge_inputs.h"

#include "mtbench/bench.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int read_prompts(struct judge_inputs *in, const struct judge_opts *o, struct err *err)
{
    char *path = o->judge_file ? xstrdup(o->judge_file) : bench_prompts_path(o->data_dir, o->bench_name);
    struct buf b = {0};
    int rc = io_read(path, &b, err);
    if (rc < 0) {
        err_wrap(err, "--judge-file");
        err_advise(err, "name the file of judge prompts by --judge-file, or its folder by --data-dir; mtbench fetch brings it");
    } else if ((rc = judge_prompts_parse(path, b.data, b.len, &in->prompts, err)) == 0)
        judge_prompts_extend(&in->prompts, JUDGE_MAX_TURNS); /* FastChat has prompts for two turns */
    buf_free(&b);
    free(path);
    return rc;
}

static bool needs_reference(const struct questions *qs)
{
    for (int i = 0; i < qs->n; i++)
        if (category_has_reference(qs->q[i].category))
            return true;
    return false;
}

static int read_reference(struct judge_inputs *in, const struct judge_opts *o, struct err *err)
{
    /* A bench of writing alone needs no file of references. */
    if (!needs_reference(&in->questions))
        return 0;
    char *folder = bench_references_folder(o->data_dir, o->bench_name);
    int rc = answer_set_read(&in->references, folder, &o->reference, 1, err);
    free(folder);
    if (rc < 0) {
        err_wrap(err, "--reference %s", o->reference);
        return err_advise(err, "choose another file of that folder with --reference");
    }
    /* Named by --reference, gpt-4 by default, whoever judges: FastChat looks under the judge's own name, so that users
     * copy the file. */
    in->reference = answer_set_model(&in->references, o->reference);
    return 0;
}

static bool is_among(const char *const *name, int n, const char *one) /* lists of the command line: short */
{
    for (int i = 0; i < n; i++)
        if (!strcmp(name[i], one))
            return true;
    return false;
}

/* A model that is named twice is one: pairwise-all would judge it against itself, and its pairs both ways round, all of it paid for. */
static void choose_models(struct judge_inputs *in, const struct judge_opts *o, const char *coming)
{
    int n_names = o->model_list.n, n = n_names ? n_names : coming ? 1 : in->answers.n;
    in->model = xcalloc((size_t)n + 1, sizeof *in->model);
    for (int i = 0; i < n; i++) {
        const char *name = n_names ? o->model_list.word[i] : coming ? coming : in->answers.model[i].model;
        if (!is_among(in->model, in->n_models, name))
            in->model[in->n_models++] = name;
    }
}

/* The models to judge: the list, else all files; one whose answers are still to come has none yet. */
static int read_answers(struct judge_inputs *in, const struct judge_opts *o, const char *coming, struct err *err)
{
    char *folder = bench_answers_folder(o->data_dir, o->bench_name);
    int n_names = o->model_list.n, n = 0, rc = 0;
    const char **name = xcalloc((size_t)n_names + 2, sizeof *name);
    for (int i = 0; i < n_names; i++)
        if (!coming || strcmp(o->model_list.word[i], coming)) /* 'coming' has no file, or one of an earlier run */
            name[n++] = o->model_list.word[i];
    /* Without a list all files are read, the baseline's among them. */
    bool with_baseline = o->mode == MODE_PAIRWISE_BASELINE && (n_names || coming) && !(coming && !strcmp(coming, o->baseline_model));
    if (with_baseline)
        name[n++] = o->baseline_model;
    /* Without names all files of the folder are read; with a model to come and none else there is nothing to read. */
    if ((n || !coming) && (rc = answer_set_read(&in->answers, folder, name, n, err)) < 0)
        err_advise(err, "generate the answers first, or check --model-list");
    else if (!n && !coming && !in->answers.n)
        rc = err_set(err, ERR_USAGE, "%s: no answers are there; generate them first", folder);
    if (rc == 0)
        choose_models(in, o, coming);
    free(name);
    free(folder);
    return rc;
}

static int name_files(struct judge_inputs *in, const struct judge_opts *o, const char *journal, struct err *err)
{
    struct stat st;
    in->output = o->output ? xstrdup(o->output) : bench_judgments_path(o->data_dir, o->bench_name, o->judge_model, o->mode != MODE_SINGLE);
    in->journal = bench_beside(in->output, journal); /* so each --output has a journal of its own */
    if (stat(in->output, &st) == 0 && S_ISDIR(st.st_mode))       /* known before anything is paid for, not when it is written */
        return err_set(err, ERR_USAGE, "%s%s: is a folder; name a file in it by --output", o->output ? "--output " : "", in->output);
    return 0;
}

int judge_inputs_read(struct judge_inputs *in, const struct judge_opts *o, const char *coming, struct err *err)
{
    *in = (struct judge_inputs){0};
    if (bench_questions(o->data_dir, o->bench_name, &o->slicing, &in->questions, err) < 0 || read_prompts(in, o, err) < 0 ||
        read_reference(in, o, err) < 0 || read_answers(in, o, coming, err) < 0)
        return -1;
    struct match_opts m = {
        .questions = &in->questions,
        .model = in->model,
        .n_models = in->n_models,
        .baseline = o->baseline_model,
        .mode = o->mode,
        .prompts = &in->prompts,
        .coming = coming,
        .may_lack = o->max_error_rate,
    };
    /* Checked before anything is computed or paid for: FastChat asserts the same, but not for the baseline. */
    if (matches_build(&m, &in->matches, err) < 0 || matches_check(&m, &in->answers, in->reference, err) < 0)
        return -1;
    return name_files(in, o, ".journal", err);
}

int judge_inputs_canary(struct judge_inputs *in, const struct judge_opts *o, struct err *err)
{
    *in = (struct judge_inputs){0};
    /* Apart from the judgments' journal: these calls are no judgments, and are asked again each time. */
    return name_files(in, o, ".canary.journal", err) < 0 ? -1 : read_prompts(in, o, err);
}

void judge_inputs_free(struct judge_inputs *in)
{
    questions_free(&in->questions);      /* all of these are fine as zeros: reading may have stopped anywhere */
    judge_prompts_free(&in->prompts);
    answer_set_free(&in->answers);
    answer_set_free(&in->references);
    matches_free(&in->matches);
    free((void *)in->model);
    free(in->output);
    free(in->journal);
    *in = (struct judge_inputs){0};
}

char *judge_inputs_output(const struct judge_inputs *in, int repeat)
{
    return bench_repeat_path(in->output, repeat);
}

void judge_inputs_describe(const struct judge_inputs *in, const struct judge_opts *o, struct manifest *m)
{
    /* All false: a judge's journal is shared by models, modes and prompts; each call carries the hash of what was
     * asked. */
    manifest_add(m, false, "program", "mtbench %s", MTB_VERSION);
    manifest_add(m, false, "judge", "%s", o->judge_model);
    manifest_add(m, false, "mode", "%s", judge_mode_word(o->mode));
    manifest_add(m, false, "reference", "%s", in->reference ? o->reference : "none");
    manifest_add(m, false, "question_file_sha256", "%s", in->questions.sha256);
    manifest_add(m, false, "judge_prompts_sha256", "%s", in->prompts.sha256);
}

static void put_string(struct buf *b, const char *s)
{
    json_put_string(b, s, strlen(s));
}

/* FastChat's block, to the byte: json.dumps with indent 4 and its keys in their order. */
void judge_inputs_stats(const struct judge_inputs *in, const struct judge_opts *o)
{
    struct buf b = {0};
    buf_str(&b, "Stats:\n{\n    \"bench_name\": ");
    put_string(&b, o->bench_name);
    buf_str(&b, ",\n    \"mode\": ");
    put_string(&b, judge_mode_word(o->mode));
    buf_str(&b, ",\n    \"judge\": ");
    put_string(&b, o->judge_model);
    buf_str(&b, ",\n    \"baseline\": ");
    if (o->mode == MODE_PAIRWISE_BASELINE)
        put_string(&b, o->baseline_model);
    else
        buf_str(&b, "null");
    buf_str(&b, ",\n    \"model_list\": [");
    for (int i = 0; i < in->n_models; i++) {
        buf_str(&b, i ? ",\n        " : "\n        ");
        put_string(&b, in->model[i]);
    }
    buf_printf(&b, "\n    ],\n    \"total_num_questions\": %d,\n    \"total_num_matches\": %d,\n    \"output_path\": ", in->questions.n,
               in->matches.n);
    put_string(&b, in->output);
    printf("%s\n}\n", b.data);
    buf_free(&b);
}
