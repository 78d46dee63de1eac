/* cmd_browse.c - the verb `browse`: questions, answers and judgments as a page that a browser opens. */
#include "cmd.h"

#include "mtbench/browsing.h"
#include "mtbench/log.h"

#include <stdio.h>

/* Flags of FastChat's server, for command lines that have them. */
struct server { const char *host; long port; bool has_host, has_port, share; };

static int parse(struct browsing *o, struct server *s, int argc, char **argv, struct err *err)
{
    *o = (struct browsing){ .bench_name = "mt_bench", .data_dir = "data" };
    struct slicing *cut = &o->slicing;
    const struct opt table[] = {
        { "bench-name", OPT_STRING, &o->bench_name, NULL, "NAME", "question set (mt_bench)" },
        { "host", OPT_STRING, &s->host, &s->has_host, "NAME", "as qa_browser has it; there is no server, so it is passed over" },
        { "port", OPT_INT, &s->port, &s->has_port, "N", "the same" },
        { "share", OPT_FLAG, &s->share, NULL, NULL, "the same" },
        { "output", OPT_STRING, &o->output, NULL, "FILE", "the page, one file that needs nothing else (BENCH.html)" },
        { "split", OPT_STRING, &o->split, NULL, "DIR", "instead a folder: index.html, and a page per question; for very many models" },
        { "model-list", OPT_LIST, &o->model_list, NULL, "NAME...", "only these models (all that have answers or were judged)" },
        { "judge-model", OPT_LIST, &o->judges, NULL, "NAME...", "whose judgments (all there are)" },
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "question-begin", OPT_INT, &cut->begin, &cut->has_begin, "N", "first line of the slice of questions, from 0" },
        { "question-end", OPT_INT, &cut->end, &cut->has_end, "N", "line behind the slice" },
        { "category", OPT_LIST, &cut->category, NULL, "NAME...", "only questions of these categories" },
        { "question-ids", OPT_LIST, &cut->ids, NULL, "ID...", "only these questions: ids, or ranges as 81-90" },
        { "first-n", OPT_INT, &cut->first_n, NULL, "N", "only the first N questions of the choice" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("browse", "Write questions, answers and judgments as a page: tables, search, answers side by side.", table, n);
    if (rc)
        return rc;
    o->sliced = cut->has_begin || cut->has_end || cut->category.n || cut->ids.n || cut->first_n;
    if (o->split && o->output)
        return err_set(err, ERR_USAGE, "--output: not together with --split, which names a folder; leave one of them out");
    return 0;
}

int cmd_browse(struct job *job, int argc, char **argv)
{
    struct browsing o;
    struct server server = {0};
    struct buf text = {0};
    struct err err = {0};
    (void)job;
    int rc = parse(&o, &server, argc, argv, &err);
    if (rc == 1)
        return EXIT_COMPLETE;
    if (rc == 0 && (server.has_host || server.has_port || server.share))
        log_note("there is no server to reach, so --host, --port and --share do nothing: the page is a file");
    if (rc == 0)
        rc = browsing_put(&text, &o, &err);
    if (rc == 0)
        fwrite(text.data, 1, text.len, stdout);
    else
        log_error("%s", err.text);
    buf_free(&text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
