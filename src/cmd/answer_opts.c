/* answer_opts.c - the flags of `mtbench answer`: FastChat's first, then ours. */
#include "answer_opts.h"

#include "cmd.h"
#include "device_opts.h"

#include <stdlib.h>
#include <string.h>

int answer_opts_name(struct answer_opts *o, struct err *err)
{
    if (!o->model_id)
        return err_set(err, ERR_USAGE, "--model-id: missing; give the name that the answers get, it becomes a file name");
    if (bench_name_check("--model-id", o->model_id, err) < 0)
        return -1;
    strcpy(o->name, o->model_id);        /* the check has seen that there is room */
    bench_name_make_plain(o->name);
    return 0;
}

static int check_words(struct answer_opts *o, struct err *err)
{
    if (!o->model_path || !*o->model_path)
        return err_set(err, ERR_USAGE, "--model-path: %s; give a folder, a .gguf file or a hub id", o->model_path ? "empty" : "missing");
    if (answer_opts_name(o, err) < 0)
        return -1;
    if (!*o->bench_name || !*o->data_dir)
        return err_set(err, ERR_USAGE, "%s: empty; question sets lie in DATA-DIR/BENCH-NAME", *o->data_dir ? "--bench-name" : "--data-dir");
    return 0;
}

const char *answer_opts_scratch(const char *given)
{
    const char *usual = getenv("TMPDIR");
    return !given || *given ? given : usual && *usual ? usual : "/tmp";
}

int answer_opts_check(struct answer_opts *o, struct err *err)
{
    o->scratch = answer_opts_scratch(o->scratch);
    /* All ranks parse the same words, so no agreement is needed: they fail alike. */
    if (check_words(o, err) < 0 || device_opts_check(&o->devices, err) < 0)
        return -1;
    if (o->tolerate)
        return err_set(err, ERR_USAGE, "--tolerate-lost-ranks: is not there, it needs an MPI with fault tolerance and this is %s; leave it "
                       "out: a job that loses a rank ends with its name, and the next start goes on with what is finished", job_library());
    if (o->max_new_token < 1 || o->max_new_token > 1 << 20)
        return err_set(err, ERR_USAGE, "--max-new-token %ld: is out of range; give 1 to %d", o->max_new_token, 1 << 20);
    if (o->num_choices < 1 || o->num_choices > 10000)
        return err_set(err, ERR_USAGE, "--num-choices %ld: is out of range; give 1 to 10000", o->num_choices);
    if (o->max_batch < 1 || o->max_batch > 256)
        return err_set(err, ERR_USAGE, "--max-batch %ld: is out of range; give 1 to 256", o->max_batch);
    if (o->threads < 0 || o->threads > 1024)
        return err_set(err, ERR_USAGE, "--threads %ld: is out of range; give 0 (this rank's share of the cores) to 1024", o->threads);
    if (!(o->max_error_rate >= 0 && o->max_error_rate <= 1)) /* written so that NaN is refused */
        return err_set(err, ERR_USAGE, "--max-error-rate %g: is out of range; give 0 to 1", o->max_error_rate);
    return generation_check(&o->sampler, true, err);
}

void answer_opts_default(struct answer_opts *o)
{
    *o = (struct answer_opts){
        .bench_name = "mt_bench", .data_dir = "data", .max_new_token = 1024, .num_choices = 1,
        .max_batch = 80,
    };
}

int answer_opts_rows(struct answer_opts *o, struct opt *table)
{
    const struct opt rows[] = {
        { "model-path", OPT_STRING, &o->model_path, NULL, "PATH", "weights: a folder, a .gguf file, or a hub id in the local cache" },
        { "base-model-path", OPT_STRING, &o->base_path, NULL, "PATH",
          "base of an adapter: a folder or hub id (as adapter_config.json says)" },
        { "model-id", OPT_STRING, &o->model_id, NULL, "NAME", "name of the answers: file name and model_id" },
        { "bench-name", OPT_STRING, &o->bench_name, NULL, "NAME", "question set (mt_bench)" },
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "question-begin", OPT_INT, &o->slicing.begin, &o->slicing.has_begin, "N",
          "first line of the slice, from 0; negative counts from the end" },
        { "question-end", OPT_INT, &o->slicing.end, &o->slicing.has_end, "N", "line behind the slice" },
        { "category", OPT_LIST, &o->slicing.category, NULL, "NAME...", "only questions of these categories" },
        { "question-ids", OPT_LIST, &o->slicing.ids, NULL, "ID...", "only these questions: ids, or ranges as 81-90" },
        { "first-n", OPT_INT, &o->slicing.first_n, NULL, "N", "only the first N questions of the slice" },
        { "answer-file", OPT_STRING, &o->answer_file, NULL, "FILE", "output (DATA/BENCH/model_answer/ID.jsonl)" },
        { "max-new-token", OPT_INT, &o->max_new_token, NULL, "N", "new tokens per turn (1024)" },
        { "num-choices", OPT_INT, &o->num_choices, NULL, "N", "independent conversations per question (1)" },
        { "dtype", OPT_CHOICE, &o->dtype, NULL, WANTED_DTYPES, "weights are used as stored, a note says if that differs" },
        { "revision", OPT_STRING, &o->revision, NULL, "NAME", "revision in the hub cache (main)" },
        { "threads", OPT_INT, &o->threads, NULL, "N", "threads of a rank (its share of the node's cores)" },
        { "max-batch", OPT_INT, &o->max_batch, NULL, "N", "conversations that run together on a rank (80)" },
        { "chat-template", OPT_STRING, &o->chat_template, NULL, "NAME", "auto, a FastChat template's name, or a Jinja file (auto)" },
        { "fastchat", OPT_STRING, &o->fastchat, NULL, "PATH",
          "FastChat's folder, for templates whose text is read from its conversation.py (DATA/fastchat, else where Python has it)" },
        { "temperature", OPT_FLOAT, &o->sampler.temperature, &o->sampler.has_temperature, "X", "for all questions (by category)" },
        { "top-p", OPT_FLOAT, &o->sampler.top_p, &o->sampler.has_top_p, "X", "(generation_config.json, else 1)" },
        { "top-k", OPT_INT, &o->sampler.top_k, &o->sampler.has_top_k, "N", "0 is off (generation_config.json, else 50)" },
        { "min-p", OPT_FLOAT, &o->sampler.min_p, &o->sampler.has_min_p, "X", "(generation_config.json, else 0)" },
        { "repetition-penalty", OPT_FLOAT, &o->sampler.repetition_penalty, &o->sampler.has_repetition_penalty, "X",
          "(generation_config.json, else 1)" },
        { "seed", OPT_INT, &o->seed, NULL, "N", "of the random numbers (0)" },
        { "scratch", OPT_MAYBE, &o->scratch, NULL, "[DIR]",
          "each node's own disk: the journal's fast copy, and weights for this job and later ones (TMPDIR, else /tmp)" },
        { "fresh", OPT_FLAG, &o->fresh, NULL, NULL, "do not resume; answers, journal and manifest are kept as .old1, .old2 ..." },
        { "tolerate-lost-ranks", OPT_FLAG, &o->tolerate, NULL, NULL,
          "is not there: a job that loses a rank ends, and the next start goes on" },
        { "max-error-rate", OPT_DOUBLE, &o->max_error_rate, NULL, "X", "share of failed turns that still exits 0 (0)" },
        { "progress", OPT_CHOICE, &o->progress, NULL, PROGRESS_MODES, "(auto)" },
        { "log-dir", OPT_STRING, &o->log_dir, NULL, "DIR", "a log file per rank, mtbench.JOB_TASK.RANK.log" },
        { "quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors" },
        { "verbose", OPT_FLAG, &o->verbose, NULL, NULL, "layout, memory, sizes, times" },
    };
    _Static_assert(sizeof rows / sizeof *rows + DEVICE_OPTS_MAX <= ANSWER_OPTS_MAX, "room for the rows");
    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows + device_opts_rows(&o->devices, table + sizeof rows / sizeof *rows);
}

int answer_opts_parse(struct answer_opts *o, int argc, char **argv, struct err *err)
{
    struct opt table[ANSWER_OPTS_MAX];
    answer_opts_default(o);
    int n = answer_opts_rows(o, table), rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("answer", "Answer the questions of a bench with a local model, on all ranks of the job.", table, n);
    return rc ? rc : answer_opts_check(o, err);
}
