/* cmd_report.c - the verb `report`: what a reviewer needs, on one page. */
#include "cmd.h"

#include "mtbench/log.h"
#include "mtbench/reporting.h"

#include <stdio.h>
#include <string.h>

static int check(struct reporting *o, const struct opt_list *words, struct err *err)
{
    const struct slicing *s = &o->slicing;
    const size_t n = words->n ? strlen(words->word[0]) : 0;
    if (n > 3 && !strcmp(words->word[0] + n - 3, ".h5"))
        return err_set(err, ERR_USAGE, "%s: report reads a data folder; mtbench aggregate %s --extract DIR makes one of it, for --data-dir "
                       "DIR", words->word[0], words->word[0]);
    if (words->n)
        return err_set(err, ERR_USAGE, "%s: a word where a flag should be; name the data folder by --data-dir", words->word[0]);
    if (o->judges.n && !strcmp(o->judges.word[0], "all"))
        o->judges.n = 0;                 /* as show's "all": everybody, which is what nobody named means here */
    o->sliced = s->has_begin || s->has_end || s->category.n || s->ids.n || s->first_n;
    return o->output ? 0 : err_set(err, ERR_USAGE, "--output: is missing; name the page, -o report.html");
}

int cmd_report(struct job *job, int argc, char **argv)
{
    struct report_version version[VERSION_ROWS];
    struct reporting o = { .data_dir = "data", .bench_name = "mt_bench", .version = version, .n_versions = version_rows(version) };
    struct opt_list words = {0};
    struct err err = {0};
    bool quiet = false;
    long bytes = 0;
    (void)job;
    const struct opt table[] = {
        { "", OPT_LIST, &words, NULL, NULL, NULL },
        { "data-dir", OPT_STRING, &o.data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "bench-name", OPT_STRING, &o.bench_name, NULL, "NAME", "question set (mt_bench)" },
        { "judge-model", OPT_LIST, &o.judges, NULL, "NAME...", "whose judgments (all)" },
        { "model-list", OPT_LIST, &o.models, NULL, "NAME...", "only these models (all)" },
        { "output", OPT_STRING, &o.output, NULL, "FILE", "the page; it is replaced when the new one is whole" },
        { "format", OPT_CHOICE, &o.format, NULL, REPORT_FORMATS, "(html)" },
        { "question-begin", OPT_INT, &o.slicing.begin, &o.slicing.has_begin, "N", "first line of the slice of questions, from 0" },
        { "question-end", OPT_INT, &o.slicing.end, &o.slicing.has_end, "N", "line behind the slice" },
        { "category", OPT_LIST, &o.slicing.category, NULL, "NAME...", "only questions of these categories" },
        { "question-ids", OPT_LIST, &o.slicing.ids, NULL, "ID...", "only these questions: ids, or ranges as 81-90" },
        { "first-n", OPT_INT, &o.slicing.first_n, NULL, "N", "only the first N questions of the choice" },
        { "quiet", OPT_FLAG, &quiet, NULL, NULL, "no notes" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, &err);
    if (rc == 1) {
        verb_help("report", "Write what a reviewer needs on one page: setup, hashes, versions, scores, plots, failures, noise.", table + 1,
                  n - 1);
        return EXIT_COMPLETE;
    }
    if (rc == 0)
        rc = check(&o, &words, &err);
    if (rc == 0 && quiet)
        log_init(LOG_QUIET, 1, NULL);
    if (rc == 0 && (rc = reporting_write(&o, &bytes, &err)) == 0)
        printf("wrote     %s\n", o.output);
    if (rc < 0)
        log_error("%s", err.text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
