/* judge_opts.c - the flags of judging: FastChat's first, then ours. */
#include "judge_opts.h"

#include "answer_opts.h"
#include "cmd.h"
#include "device_opts.h"

#include "mtbench/paths.h"
#include "mtbench/provider.h"

#include <stdio.h>
#include <string.h>

void judge_opts_default(struct judge_opts *o)
{
    *o = (struct judge_opts){
        .bench_name = "mt_bench",
        .data_dir = "data",
        .judge_model = "gpt-4",
        .baseline_model = "gpt-3.5-turbo",
        .reference = "gpt-4",
        .parallel = 1,
        .repeat = 1,
        .max_batch = 80,
        .max_tokens = 2048,
        .price_in = -1,
        .price_out = -1,
    };
}

int judge_opts_rows(struct judge_opts *o, struct opt *table)
{
    static char providers[200];          /* the rows are copied and outlive this */
    snprintf(providers, sizeof providers, "%s, local (by the judge's name)", provider_names());
    const struct opt rows[] = {
        { "judge-file", OPT_STRING, &o->judge_file, NULL, "FILE", "judge prompts (DATA/judge_prompts.jsonl)" },
        { "judge-model", OPT_STRING, &o->judge_model, &o->given_judge_model, "NAME", "the judge; names the files too (gpt-4)" },
        { "baseline-model", OPT_STRING, &o->baseline_model, NULL, "NAME", "opponent in pairwise-baseline (gpt-3.5-turbo)" },
        { "mode", OPT_CHOICE, &o->mode, NULL, JUDGE_MODES, "(single)" },
        { "parallel", OPT_INT, &o->parallel, NULL, "N", "most calls in flight (1)" },
        { "judge-provider", OPT_STRING, &o->provider, NULL, "NAME", providers },
        { "judge-base-url", OPT_STRING, &o->base_url, NULL, "URL", "server of a compatible judge, with or without /v1" },
        { "judge-path", OPT_STRING, &o->judge_path, NULL, "PATH", "weights of a local judge, as --model-path" },
        { "judge-base-model-path", OPT_STRING, &o->judge_base_path, NULL, "PATH", "base of a local judge that is an adapter" },
        { "judge-constrained", OPT_FLAG, &o->constrained, NULL, NULL, "local judge: force the verdict, record its expected score" },
        { "fallback-judge", OPT_STRING, &o->fallback, NULL, "NAME", "another judge, asked for what a content filter holds back; recorded" },
        { "fallback-provider", OPT_STRING, &o->fallback_provider, NULL, "NAME", "its provider, as --judge-provider (by its name)" },
        { "fallback-base-url", OPT_STRING, &o->fallback_base_url, NULL, "URL", "its server" },
        { "judge-max-tokens", OPT_INT, &o->max_tokens, NULL, "N", "longest judgment (2048)" },
        { "judge-timeout", OPT_DOUBLE, &o->timeout, NULL, "SECONDS", "of one try (300)" },
        { "reference", OPT_STRING, &o->reference, NULL, "NAME", "reference answers: reference_answer/NAME.jsonl (gpt-4)" },
        { "repeat", OPT_INT, &o->repeat, NULL, "N", "judgments of each match (1)" },
        { "max-cost", OPT_DOUBLE, &o->max_cost, NULL, "DOLLARS", "stop before this is passed, exit 75 (no limit)" },
        { "price-in", OPT_DOUBLE, &o->price_in, &o->given_price_in, "DOLLARS", "per million prompt tokens (DATA/prices.txt)" },
        { "price-out", OPT_DOUBLE, &o->price_out, &o->given_price_out, "DOLLARS", "per million generated tokens (DATA/prices.txt)" },
    };
    _Static_assert(sizeof rows / sizeof *rows <= JUDGE_OPTS_MAX, "room for the rows");
    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

/* The models' names become those of their files; they stand in the program's arguments, which are ours to write. */
static int check_names(struct judge_opts *o, struct err *err)
{
    if (bench_name_check("--judge-model", o->judge_model, err) < 0 || bench_name_check("--baseline-model", o->baseline_model, err) < 0)
        return -1;
    /* Only where there is something to change: the default is a literal, which must not be written to. */
    if (strchr(o->baseline_model, '/'))
        bench_name_make_plain((char *)o->baseline_model);
    for (int i = 0; i < o->model_list.n; i++) {
        if (bench_name_check("--model-list", o->model_list.word[i], err) < 0)
            return -1;
        bench_name_make_plain(o->model_list.word[i]); /* the list is always of the program's arguments */
    }
    return 0;
}

int judge_opts_check(struct judge_opts *o, struct err *err)
{
    /* Weights mean a local judge. A provider or a server beside them would be passed over, and the verdicts of a small model would lie
     * under the name of the hosted one. */
    if (o->judge_path && !o->provider)
        o->provider = "local";
    bool local = o->provider && !strcmp(o->provider, "local");
    if (o->judge_path && (!local || o->base_url))
        return err_set(err, ERR_USAGE, "--%s: is of a hosted judge, and --judge-path of a local one; leave one of them out",
                       local ? "judge-base-url" : "judge-provider");
    if (local && !o->judge_path)
        return err_set(err, ERR_USAGE, "--judge-provider local: --judge-path is missing; give the judge's weights");
    /* The default name is gpt-4: the judgments of a local model must not come to lie under it. */
    if (local && !o->given_judge_model)
        return err_set(err, ERR_USAGE, "--judge-path: --judge-model is missing; give the local judge a name, its files are called so");
    if (check_names(o, err) < 0)
        return -1;
    if (o->judge_base_path && !local)
        return err_set(err, ERR_USAGE, "--judge-base-model-path: is of a local judge that is an adapter; give the adapter by --judge-path");
    if (o->constrained && !local)
        return err_set(err, ERR_USAGE, "--judge-constrained: works with a local judge only; give --judge-path");
    if (!o->fallback && (o->fallback_provider || o->fallback_base_url))
        return err_set(err, ERR_USAGE, "--%s: --fallback-judge is missing; name the judge that stands there",
                       o->fallback_provider ? "fallback-provider" : "fallback-base-url");
    if (o->fallback && !*o->fallback)
        return err_set(err, ERR_USAGE, "--fallback-judge: empty; give the name of another judge");
    if (o->fallback && (local || o->export_file || o->import_files.n || o->canary))
        return err_set(err, ERR_USAGE, "--fallback-judge: is for a hosted judge that is called now; leave it out");
    /* Each judge counts its own calls: together they could pass the limit. */
    if (o->fallback && o->max_cost > 0)
        return err_set(err, ERR_USAGE, "--max-cost: cannot be held over two accounts; leave it out, or --fallback-judge");
    if ((o->provider && !local && !provider_find(o->provider, err)) || (o->fallback_provider && !provider_find(o->fallback_provider, err)))
        return err_wrap(err, o->provider && !local && !provider_find(o->provider, NULL) ? "--judge-provider" : "--fallback-provider");
    if (device_opts_check(&o->devices, err) < 0)
        return -1;
    if (o->threads < 0 || o->threads > 1024)
        return err_set(err, ERR_USAGE, "--threads %ld: is out of range; give 0 (this rank's share of the cores) to 1024", o->threads);
    if (o->parallel < 1 || o->parallel > 1024)
        return err_set(err, ERR_USAGE, "--parallel %ld: must lie between 1 and 1024", o->parallel);
    if (o->repeat < 1 || o->repeat > 100)
        return err_set(err, ERR_USAGE, "--repeat %ld: must lie between 1 and 100", o->repeat);
    if (o->max_tokens < 1 || o->max_tokens > 1 << 20)
        return err_set(err, ERR_USAGE, "--judge-max-tokens %ld: must lie between 1 and %d", o->max_tokens, 1 << 20);
    if (o->max_batch < 1 || o->max_batch > 256)
        return err_set(err, ERR_USAGE, "--max-batch %ld: must lie between 1 and 256", o->max_batch);
    if (opts_not_negative("max-cost", o->max_cost, true, err) < 0 || opts_not_negative("judge-timeout", o->timeout, true, err) < 0 ||
        opts_not_negative("price-in", o->price_in, o->given_price_in, err) < 0 ||
        opts_not_negative("price-out", o->price_out, o->given_price_out, err) < 0)
        return -1;
    if (!(o->max_error_rate >= 0 && o->max_error_rate <= 1))
        return err_set(err, ERR_USAGE, "--max-error-rate %g: must lie between 0 and 1", o->max_error_rate);
    if (local && (o->export_file || o->import_files.n))
        return err_set(err, ERR_USAGE, "--%s: is for hosted judges; a local judge needs no batch", o->export_file ? "export" : "import");
    if (o->canary < 0 || o->canary > 10000)
        return err_set(err, ERR_USAGE, "--canary %ld: must lie between 1 and 10000", o->canary);
    if (o->canary && (local || o->export_file || o->import_files.n))
        return err_set(err, ERR_USAGE, "--canary: asks a hosted judge now; leave --judge-path, --export and --import out");
    if (o->export_file && o->import_files.n)
        return err_set(err, ERR_USAGE, "--import: not together with --export; export, send the batch, then import its results");
    return 0;
}

static bool is_jsonl(const char *path)
{
    size_t n = strlen(path), k = strlen(".jsonl");
    return n > k && !strcmp(path + n - k, ".jsonl");
}

int judge_opts_parse(struct judge_opts *o, int argc, char **argv, struct err *err)
{
    judge_opts_default(o);
    struct opt table[JUDGE_OPTS_MAX + DEVICE_OPTS_MAX + 24] = {
        {"bench-name", OPT_STRING, &o->bench_name, NULL, "NAME", "question set (mt_bench)"},
        {"data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)"},
        {"model-list", OPT_LIST, &o->model_list, NULL, "NAME...", "models to judge (all in model_answer/)"},
        {"first-n", OPT_INT, &o->slicing.first_n, NULL, "N", "only the first N questions"},
        {"question-begin", OPT_INT, &o->slicing.begin, &o->slicing.has_begin, "N",
         "first line of the slice, from 0; negative counts from the end"},
        {"question-end", OPT_INT, &o->slicing.end, &o->slicing.has_end, "N", "line behind the slice"},
        {"category", OPT_LIST, &o->slicing.category, NULL, "NAME...", "only questions of these categories"},
        {"question-ids", OPT_LIST, &o->slicing.ids, NULL, "ID...", "only these questions: ids, or ranges as 81-90"},
        {"output", OPT_STRING, &o->output, NULL, "FILE",
         "where judgments go (DATA/BENCH/model_judgment/JUDGE_single.jsonl or JUDGE_pair.jsonl)"},
        {"export", OPT_STRING, &o->export_file, NULL, "FILE", "write batch requests instead of calling"},
        {"import", OPT_LIST, &o->import_files, NULL, "FILE...", "merge the result and error files of a batch"},
        {"canary", OPT_INT, &o->canary, NULL, "N", "judge N stored judgments again, report the drift, exit 2 if there is one"},
        {"yes", OPT_FLAG, &o->yes, NULL, NULL, "never ask (the default)"},
        {"confirm", OPT_FLAG, &o->confirm, NULL, NULL, "show what will be called and wait for Enter"},
        {"fastchat", OPT_STRING, &o->fastchat, NULL, "PATH", "local judge: FastChat's folder, where its template's text is FastChat's"},
        {"threads", OPT_INT, &o->threads, NULL, "N", "local judge: threads of a rank"},
        {"max-batch", OPT_INT, &o->max_batch, NULL, "N", "local judge: calls that run together on a rank (80)"},
        {"scratch", OPT_MAYBE, &o->scratch, NULL, "[DIR]",
         "local judge: each node's own disk, for copies of its weights (TMPDIR, else /tmp)"},
        {"max-error-rate", OPT_DOUBLE, &o->max_error_rate, NULL, "X", "share of failed judgments that still exits 0 (0)"},
        {"progress", OPT_CHOICE, &o->progress, NULL, PROGRESS_MODES, "(auto)"},
        {"log-dir", OPT_STRING, &o->log_dir, NULL, "DIR", "a log file per rank, mtbench.JOB_TASK.RANK.log"},
        {"quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors"},
        {"verbose", OPT_FLAG, &o->verbose, NULL, NULL, "a line for each judgment, layout, memory"},
    };
    int n = 0;
    while (table[n].name)
        n++;
    n += device_opts_rows(&o->devices, table + n);
    n += judge_opts_rows(o, table + n);
    /* The rows that every judging verb has come last, as this table's size has room for both. */
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 0 && o->output && !is_jsonl(o->output))
        return err_set(err, ERR_USAGE, "--output %s: must end in .jsonl; the journal takes the name with .journal instead", o->output);
    o->scratch = answer_opts_scratch(o->scratch);
    if (rc == 1)
        verb_help("judge", "Judge the answers of models: single grading or pairs, by a hosted judge or a local one.", table, n);
    return rc ? rc : judge_opts_check(o, err);
}
