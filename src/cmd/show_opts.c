/* show_opts.c - the flags of `mtbench show`: FastChat's first, then ours. */
#include "show_opts.h"

#include "cmd.h"

#include <stdlib.h>
#include <string.h>

/* A view that needs single judgments, or one judge, or FastChat's flags alone: the flag that stands in the way is named alone. */
static const char *view_flag(const struct showing *o)
{
    /* The first of them stands for all in messages: one flag is named, so that one is taken out. */
    return o->compare.n        ? "compare"
           : o->by || o->group ? "by"
           : o->history        ? "history"
           : o->noise          ? "noise"
           : o->length_slope   ? "length-slope"
           : o->transcript.n   ? "question"
           : o->plot           ? "plot"
                               : NULL;
}

static const char *second_view(const struct showing *o)
{
    /* From the other end: where both ends name one flag, there is only one. */
    const char *flag = o->plot              ? "plot"
                       : o->transcript.n    ? "question"
                       : o->length_slope    ? "length-slope"
                       : o->noise           ? "noise"
                       : o->history         ? "history"
                       : o->by || o->group  ? "by"
                                            : "compare";
    return view_flag(o) && strcmp(view_flag(o), flag) ? flag : NULL;
}

static const char *slice_flag(const struct showing *o)
{
    const struct slicing *s = &o->slicing;
    return s->has_begin    ? "question-begin"
           : s->has_end    ? "question-end"
           : s->category.n ? "category"
           : s->ids.n      ? "question-ids"
           : s->first_n    ? "first-n"
                           : NULL;
}

static int check_fastchat(const struct showing *o, struct err *err)
{
    /* What FastChat's tables cannot show must not be dropped from them in silence. */
    const char *flag = view_flag(o) ? view_flag(o) : o->judges.n > 1 ? "judge-model" : slice_flag(o);
    return flag ? err_set(err, ERR_USAGE, "--%s: FastChat's layout has no place for it; use another --format", flag) : 0;
}

static int check_panel(const struct showing *o, struct err *err)
{
    const bool whole = !view_flag(o) || o->plot == PLOT_SCORES;
    const char *view = !whole ? view_flag(o) : o->mode != SHOW_SINGLE ? "mode" : o->repeat > 1 ? "repeat" : NULL;
    if (!showing_panel(o) || o->transcript.n)
        return 0;
    if (view)
        return err_set(err, ERR_USAGE, "--%s: of one judge at a time; name one with --judge-model", view);
    return o->input_file ? err_set(err, ERR_USAGE, "--input-file: is one file; leave it out, or name one judge with --judge-model") : 0;
}

static int check_campaign(const struct showing *o, struct err *err)
{
    const char *flag = o->input_file     ? "input-file"
                       : o->transcript.n ? "question"
                       : o->length_slope ? "length-slope"
                       : o->repeat > 1   ? "repeat"
                       : o->plot == PLOT_LENGTH ? "plot length"
                                         : NULL;
    const char *alone = o->history ? "history" : o->noise ? "noise" : o->export ? "export" : o->table ? "table" : NULL;
    if (!o->campaign && alone)
        return err_set(err, ERR_USAGE, "--%s: only of a campaign file; name one that `mtbench aggregate` wrote", alone);
    if (o->table && !o->export)
        return err_set(err, ERR_USAGE, "--table: only with --export; leave it out");
    if (o->export && (o->plot || o->output))
        return err_set(err, ERR_USAGE, "--%s: not with --export, which goes to stdout as it is read; leave one of them out",
                       o->plot ? "plot" : "output");
    if (o->campaign && showing_panel(o))
        return err_set(err, ERR_USAGE, "--judge-model: one judge at a time of a campaign file; name one");
    return o->campaign && flag ? err_set(err, ERR_USAGE, "--%s: not of a campaign file; leave one of them out", flag) : 0;
}

/* A picture is one form of its own, of single judgments or of pairs as its kind needs them. */
static int settle_plot(struct showing *o, bool format_given, bool mode_given, struct err *err)
{
    if (!o->plot)
        return o->by_name ? err_set(err, ERR_USAGE, "--by-name: only with --plot; tables are sorted by score") : 0;
    if (format_given)
        return err_set(err, ERR_USAGE, "--format: a picture is SVG; leave it or --plot out");
    o->format = SHOW_TABLE;
    if (o->plot == PLOT_WINRATE && !mode_given)
        o->mode = SHOW_ALL;
    if (o->plot == PLOT_WINRATE && o->mode == SHOW_SINGLE)
        return err_set(err, ERR_USAGE, "--plot winrate: of judgments of pairs; leave --mode out, or give a pairwise one");
    return o->plot != PLOT_WINRATE && o->mode != SHOW_SINGLE
               ? err_set(err, ERR_USAGE, "--plot %s: only with --mode single; of pairs there is --plot winrate", plot_name(o->plot))
               : 0;
}

static int check(const struct showing *o, struct err *err)
{
    if (check_campaign(o, err) < 0)
        return -1;
    if (o->compare.n && o->compare.n != 2)
        return err_set(err, ERR_USAGE, "--compare: needs two models, A and B");
    if (second_view(o))
        return err_set(err, ERR_USAGE, "--%s: not together with --%s; one of them at a time", second_view(o), view_flag(o));
    if (o->format == SHOW_FASTCHAT && check_fastchat(o, err) < 0)
        return -1;
    if (o->by == BY_PAIR && o->mode != SHOW_ALL)
        return err_set(err, ERR_USAGE, "--by pair: only with --mode pairwise-all");
    if (o->mode != SHOW_SINGLE && ((o->by && o->by != BY_PAIR) || o->group || o->history || o->noise || o->length_slope || o->repeat > 1))
        return err_set(err, ERR_USAGE, "--%s: only with --mode single", view_flag(o) && !o->compare.n ? view_flag(o) : "repeat");
    if (o->repeat < 1 || o->repeat > 255)
        return err_set(err, ERR_USAGE, "--repeat %ld: must lie between 1 and 255", o->repeat);
    if (o->transcript.n && o->format != SHOW_TABLE)
        return err_set(err, ERR_USAGE, "--question: prints text, and knows no other --format; leave --format out");
    return check_panel(o, err);
}

int show_opts_parse(struct showing *o, bool fastchat, int argc, char **argv, struct err *err)
{
    *o = (struct showing){ .bench_name = "mt_bench", .data_dir = "data", .baseline_model = "gpt-3.5-turbo", .repeat = 1 };
    o->format = fastchat ? SHOW_FASTCHAT : SHOW_TABLE;
    struct opt_list words = {0};
    bool format_given = false, mode_given = false;
    const struct opt table[] = {
        { "", OPT_LIST, &words, NULL, "CAMPAIGN.h5", "a file of `mtbench aggregate` instead of the data folder" },
        { "bench-name", OPT_STRING, &o->bench_name, &o->bench_given, "NAME", "question set (mt_bench)" },
        { "input-file", OPT_STRING, &o->input_file, NULL, "FILE",
          "judgments (DATA/BENCH/model_judgment/JUDGE_single.jsonl or JUDGE_pair.jsonl)" },
        { "judge-model", OPT_LIST, &o->judges, NULL, "NAME...",
          "whose judgments (gpt-4, or the only judge there is); several, or all: side by side" },
        { "baseline-model", OPT_STRING, &o->baseline_model, NULL, "NAME", "for --mode pairwise-baseline (gpt-3.5-turbo)" },
        { "model-list", OPT_LIST, &o->model_list, NULL, "NAME...", "only these models (all)" },
        { "mode", OPT_CHOICE, &o->mode, &mode_given, "single|pairwise-baseline|pairwise-all", "(single)" },
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "format", OPT_CHOICE, &o->format, &format_given, SHEET_FORMS "|fastchat", "(table; fastchat for show_result)" },
        { "by", OPT_STRING, &o->group_by, NULL, "turn|category|pair|LIST",
          "scores by turn or by category; win rates by pair of models; of a campaign by any of model,seed,category,turn" },
        { "plot", OPT_CHOICE, &o->plot, NULL, "|radar|scores|turns|winrate|length|history", "a picture of it as SVG instead of the table" },
        { "by-name", OPT_FLAG, &o->by_name, NULL, NULL, "of a picture: models in the order of their names, not of their scores" },
        { "output", OPT_STRING, &o->output, NULL, "FILE", "write there (to stdout)" },
        { "history", OPT_FLAG, &o->history, NULL, NULL,
          "of a campaign: models as checkpoints in order, each one's change from the one before" },
        { "noise", OPT_FLAG, &o->noise, NULL, NULL, "of a campaign: how much of the scatter is of questions, answers and judgments" },
        { "export", OPT_CHOICE, &o->export, NULL, "|csv|json|jsonl|parquet", "of a campaign: a table of rows for other programs" },
        { "table", OPT_STRING, &o->table, NULL, "NAME", "which one to export: runs, turns, answers, judgments, pairs, ... (judgments)" },
        { "compare", OPT_LIST, &o->compare, NULL, "A B", "the paired difference of two models" },
        { "question", OPT_LIST, &o->transcript, NULL, "ID...", "print these questions, the answers to them, and what judges said" },
        { "length-slope", OPT_FLAG, &o->length_slope, NULL, NULL, "points per doubling of the answers' length" },
        { "repeat", OPT_INT, &o->repeat, NULL, "N", "read N judgments of the same answers: FILE.jsonl, FILE.repeat2.jsonl, ... (1)" },
        { "question-begin", OPT_INT, &o->slicing.begin, &o->slicing.has_begin, "N", "first line of the slice of questions, from 0" },
        { "question-end", OPT_INT, &o->slicing.end, &o->slicing.has_end, "N", "line behind the slice" },
        { "category", OPT_LIST, &o->slicing.category, NULL, "NAME...", "only questions of these categories" },
        { "question-ids", OPT_LIST, &o->slicing.ids, NULL, "ID...", "only these questions: ids, or ranges as 81-90" },
        { "first-n", OPT_INT, &o->slicing.first_n, NULL, "N", "only the first N questions of the choice" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("show", "Show scores, intervals, comparisons and win rates from judgments.", table, n);
    if (rc)
        return rc;
    if (words.n > 1)
        return err_set(err, ERR_USAGE, "%s: a word where a flag should be; show reads one campaign file, and flags begin with --",
                       words.word[1]);
    o->campaign = words.n ? words.word[0] : NULL;
    if (showing_group(o, err) < 0)
        return -1;
    o->sliced = slice_flag(o) != NULL;   /* where nothing is chosen no question file is needed */
    return settle_plot(o, format_given, mode_given, err) < 0 ? -1 : check(o, err);
}
