/* api_opts.c - the flags of `mtbench api-answer`: FastChat's first, then ours. */
#include "api_opts.h"

#include "cmd.h"

#include "mtbench/paths.h"
#include "mtbench/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_words(const struct api_opts *o, struct err *err)
{
    if (!*o->model)
        return err_set(err, ERR_USAGE, "--model: empty; give the name that the server knows the model by");
    if (bench_name_check(o->model_id ? "--model-id" : "--model", o->model_id ? o->model_id : o->model, err) < 0)
        return -1;
    if (!*o->bench_name || !*o->data_dir)
        return err_set(err, ERR_USAGE, "%s: empty; question sets lie in DATA-DIR/BENCH-NAME", *o->data_dir ? "--bench-name" : "--data-dir");
    if (o->base_url && !*o->base_url)
        return err_set(err, ERR_USAGE, "--base-url: empty; give the server's URL, with or without /v1");
    return 0;
}

static int check_numbers(const struct api_opts *o, struct err *err)
{
    if (o->num_choices < 1 || o->num_choices > 10000)
        return err_set(err, ERR_USAGE, "--num-choices %ld: is out of range; give 1 to 10000", o->num_choices);
    if (o->max_tokens < 1 || o->max_tokens > 1 << 20)
        return err_set(err, ERR_USAGE, "--max-tokens %ld: is out of range; give 1 to %d", o->max_tokens, 1 << 20);
    if (o->parallel < 1 || o->parallel > 1024)
        return err_set(err, ERR_USAGE, "--parallel %ld: is out of range; give 1 to 1024", o->parallel);
    if (o->has_temperature && !(o->force_temperature >= 0 && o->force_temperature <= 100)) /* NaN too is refused by this form */
        return err_set(err, ERR_USAGE, "--force-temperature %g: is out of range; give 0 (greedy) or more", o->force_temperature);
    if (opts_not_negative("max-cost", o->max_cost, true, err) < 0 || opts_not_negative("timeout", o->timeout, true, err) < 0 ||
        opts_not_negative("price-in", o->price_in, o->given_price_in, err) < 0 ||
        opts_not_negative("price-out", o->price_out, o->given_price_out, err) < 0)
        return -1;
    if (!(o->max_error_rate >= 0 && o->max_error_rate <= 1))
        return err_set(err, ERR_USAGE, "--max-error-rate %g: is out of range; give 0 to 1", o->max_error_rate);
    return 0;
}

int api_opts_parse(struct api_opts *o, int argc, char **argv, struct err *err)
{
    *o = (struct api_opts){
        .bench_name = "mt_bench",
        .data_dir = "data",
        .model = "gpt-3.5-turbo",
        .num_choices = 1,
        .max_tokens = 1024,
        .parallel = 1,
    };
    /* Of this call alone: opts_parse() and the help are done with it when it returns. */
    char providers[200];
    snprintf(providers, sizeof providers, "%s (by the model's name; compatible with a URL)", provider_names());
    const struct opt table[] = {
        {"bench-name", OPT_STRING, &o->bench_name, NULL, "NAME", "question set (mt_bench)"},
        {"answer-file", OPT_STRING, &o->answer_file, NULL, "FILE", "output (DATA/BENCH/model_answer/ID.jsonl)"},
        {"model", OPT_STRING, &o->model, NULL, "NAME", "the model, as the server calls it (gpt-3.5-turbo)"},
        {"num-choices", OPT_INT, &o->num_choices, NULL, "N", "independent conversations per question (1)"},
        {"force-temperature", OPT_DOUBLE, &o->force_temperature, &o->has_temperature, "X", "for all questions (by question and category)"},
        {"max-tokens", OPT_INT, &o->max_tokens, NULL, "N", "new tokens per turn (1024)"},
        {"question-begin", OPT_INT, &o->slicing.begin, &o->slicing.has_begin, "N",
         "first line of the slice, from 0; negative counts from the end"},
        {"question-end", OPT_INT, &o->slicing.end, &o->slicing.has_end, "N", "line behind the slice"},
        {"category", OPT_LIST, &o->slicing.category, NULL, "NAME...", "only questions of these categories"},
        {"question-ids", OPT_LIST, &o->slicing.ids, NULL, "ID...", "only these questions: ids, or ranges as 81-90"},
        {"parallel", OPT_INT, &o->parallel, NULL, "N", "most calls in flight (1)"},
        {"openai-api-base", OPT_STRING, &o->base_url, NULL, "URL", "server of a compatible API, with or without /v1"},
        {"base-url", OPT_STRING, &o->base_url, NULL, "URL", "the same"},
        {"provider", OPT_STRING, &o->provider, NULL, "NAME", providers},
        {"model-id", OPT_STRING, &o->model_id, NULL, "NAME", "name of the answers: file name and model_id (the model's)"},
        {"system", OPT_STRING, &o->system, NULL, "TEXT", "system message, \"\" for none (FastChat's for the model's name)"},
        {"fresh", OPT_FLAG, &o->fresh, NULL, NULL, "do not resume; answers, journal and manifest are kept as .old1, .old2 ..."},
        {"data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)"},
        {"first-n", OPT_INT, &o->slicing.first_n, NULL, "N", "only the first N questions of the slice"},
        {"max-cost", OPT_DOUBLE, &o->max_cost, NULL, "DOLLARS", "stop before this is passed, exit 75 (no limit)"},
        {"price-in", OPT_DOUBLE, &o->price_in, &o->given_price_in, "DOLLARS", "per million prompt tokens (DATA/prices.txt)"},
        {"price-out", OPT_DOUBLE, &o->price_out, &o->given_price_out, "DOLLARS", "per million generated tokens (DATA/prices.txt)"},
        {"timeout", OPT_DOUBLE, &o->timeout, NULL, "SECONDS", "of one try (300)"},
        {"max-error-rate", OPT_DOUBLE, &o->max_error_rate, NULL, "X", "share of failed turns that still exits 0 (0)"},
        {"progress", OPT_CHOICE, &o->progress, NULL, PROGRESS_MODES, "(auto)"},
        {"log-dir", OPT_STRING, &o->log_dir, NULL, "DIR", "a log file"},
        {"quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors"},
        {"verbose", OPT_FLAG, &o->verbose, NULL, NULL, "a line for each turn and each try that failed"},
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("api-answer", "Answer the questions of a bench with a model behind an API. Keys come from the environment.", table, n);
    if (rc)
        return rc;
    if (check_words(o, err) < 0 || check_numbers(o, err) < 0)
        return -1;
    o->id = bench_name_plain(o->model_id ? o->model_id : o->model);
    return 0;
}

void api_opts_free(struct api_opts *o)
{
    free(o->id);
    o->id = NULL;
}
