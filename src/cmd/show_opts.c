/* show_opts.c - the flags of `mtbench show`: FastChat's first, then ours. */
#include "show_opts.h"

#include "cmd.h"

#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <stdlib.h>
#include <string.h>

static const char *const modes[] = { "single", "pairwise-baseline", "pairwise-all" };
static const char *const formats[] = { "table", "fastchat", "csv", "json" };
static const char *const bys[] = { "", "turn", "category" };

static int choose(const char *flag, const char *word, const char *const *name, int n, int *out, struct err *err)
{
    for (int i = 0; i < n; i++) {
        if (*name[i] && !strcmp(word, name[i])) {
            *out = i;
            return 0;
        }
    }
    return err_set(err, ERR_USAGE, "--%s %s: must be %s%s%s%s%s%s%s", flag, word, name[0], *name[0] ? ", " : "", name[1], n > 3 ? ", " : " or ", name[2],
                   n > 3 ? " or " : "", n > 3 ? name[3] : "");
}

static int check(struct show_opts *o, struct err *err)
{
    const int views = (o->compare.n > 0) + (o->by != BY_NOTHING) + o->length_slope;
    if (o->compare.n && o->compare.n != 2)
        return err_set(err, ERR_USAGE, "--compare: needs two models, A and B");
    if (views > 1)
        return err_set(err, ERR_USAGE, "--compare, --by, --length-slope: one of them at a time");
    if (o->format == SHOW_FASTCHAT && (views || o->sliced))
        return err_set(err, ERR_USAGE, "--format fastchat: knows no --compare, --by, --length-slope and no choice of questions; use another --format");
    if (o->mode != SHOW_SINGLE && (o->by || o->length_slope || o->repeat > 1))
        return err_set(err, ERR_USAGE, "--by, --length-slope, --repeat: only with --mode single");
    if (o->repeat < 1 || o->repeat > 255)
        return err_set(err, ERR_USAGE, "--repeat %ld: must lie between 1 and 255", o->repeat);
    return 0;
}

int show_opts_parse(struct show_opts *o, bool fastchat, int argc, char **argv, struct err *err)
{
    const char *mode = "single", *format = fastchat ? "fastchat" : "table", *by = NULL;
    *o = (struct show_opts){ .bench_name = "mt_bench", .data_dir = "data", .judge_model = "gpt-4", .baseline_model = "gpt-3.5-turbo", .repeat = 1 };
    const struct opt table[] = {
        { "bench-name", OPT_STRING, &o->bench_name, NULL, "NAME", "question set (mt_bench)" },
        { "input-file", OPT_STRING, &o->input_file, NULL, "FILE", "judgments (DATA/BENCH/model_judgment/JUDGE_single.jsonl or JUDGE_pair.jsonl)" },
        { "judge-model", OPT_STRING, &o->judge_model, &o->given_judge, "NAME", "whose judgments (gpt-4)" },
        { "baseline-model", OPT_STRING, &o->baseline_model, NULL, "NAME", "for --mode pairwise-baseline (gpt-3.5-turbo)" },
        { "model-list", OPT_LIST, &o->model_list, NULL, "NAME...", "only these models (all)" },
        { "mode", OPT_STRING, &mode, NULL, "MODE", "single, pairwise-baseline or pairwise-all (single)" },
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "format", OPT_STRING, &format, NULL, "FORM", "table, fastchat, csv or json (table; fastchat for show_result)" },
        { "by", OPT_STRING, &by, NULL, "WHAT", "scores by turn or by category" },
        { "compare", OPT_LIST, &o->compare, NULL, "A B", "the paired difference of two models" },
        { "length-slope", OPT_FLAG, &o->length_slope, NULL, NULL, "points per doubling of the answers' length" },
        { "repeat", OPT_INT, &o->repeat, NULL, "N", "read N judgments of the same answers: FILE.jsonl, FILE.repeat2.jsonl, ... (1)" },
        { "question-begin", OPT_INT, &o->slicing.begin, &o->slicing.has_begin, "N", "first line of the slice of questions, from 0" },
        { "question-end", OPT_INT, &o->slicing.end, &o->slicing.has_end, "N", "line behind the slice" },
        { "first-n", OPT_INT, &o->slicing.first_n, NULL, "N", "only the first N questions of the slice" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err), of_mode = 0, of_format = 0, of_by = 0;
    if (rc == 1)
        verb_help("show", "Show scores, intervals, comparisons and win rates from judgments.", table, n);
    if (rc)
        return rc;
    if (choose("mode", mode, modes, 3, &of_mode, err) < 0 || choose("format", format, formats, 4, &of_format, err) < 0 ||
        (by && choose("by", by, bys, 3, &of_by, err) < 0))
        return -1;
    o->mode = (enum show_mode)of_mode;
    o->format = (enum show_format)of_format;
    o->by = (enum show_by)of_by;
    o->sliced = o->slicing.has_begin || o->slicing.has_end || o->slicing.first_n;
    o->path = o->input_file ? xstrdup(o->input_file) : bench_judgments_path(o->data_dir, o->bench_name, o->judge_model, o->mode != SHOW_SINGLE);
    return check(o, err);
}

void show_opts_free(struct show_opts *o)
{
    free(o->path);
}
