/* cmd_clean.c - the verb `clean_judgment`: each judgment once, in order, beside its file. */
#include "cmd.h"

#include "mtbench/clean.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FastChat's: every ".jsonl" in the name becomes "_clean.jsonl". */
static char *clean_path(const char *path)
{
    struct buf b = {0};
    for (const char *next; (next = strstr(path, ".jsonl")); path = next + 6) { /* 6: behind ".jsonl" */
        buf_add(&b, path, (size_t)(next - path));
        buf_str(&b, "_clean.jsonl");
    }
    buf_str(&b, path);
    return buf_steal(&b);
}

int cmd_clean(struct job *job, int argc, char **argv)
{
    const char *infile = NULL;
    struct opt_list list = {0};
    struct buf in = {0}, out = {0}, said = {0};
    struct err err = {0};
    char *to = NULL;
    (void)job;
    const struct opt table[] = {
        { "infile", OPT_STRING, &infile, NULL, "FILE", "judgments; the clean ones go to FILE_clean.jsonl" },
        { "model-list", OPT_LIST, &list, NULL, "NAME...", "only these models; in pairs the first one counts (all)" },
    };
    int rc = opts_parse(table, 2, argc, argv, &err);
    if (rc == 1) {
        verb_help("clean_judgment",
                  "Keep the first judgment of each model, question, judge and prompt, sorted by model, question and turn.", table, 2);
        return EXIT_COMPLETE;
    }
    /* Anywhere in the name, as FastChat has it; without it input and output would be one file. */
    if (rc == 0 && (!infile || !strstr(infile, ".jsonl")))
        rc = infile ? err_set(&err, ERR_USAGE, "--infile %s: must end in .jsonl, or it would be overwritten", infile)
                    : err_set(&err, ERR_USAGE, "--infile: missing; give a file of judgments");
    if (rc == 0)
        rc = io_read(infile, &in, &err) < 0 ? err_wrap(&err, "--infile") : 0;
    if (rc == 0)
        rc = clean_judgments(infile, in.data, in.len, (const char *const *)list.word, list.n, &out, &said, &err);
    if (rc == 0) {
        to = clean_path(infile);
        rc = io_replace(to, out.data ? out.data : "", out.len, &err);
    }
    if (rc == 0)
        /* Said only when the file is in its place. */
        fwrite(said.data, 1, said.len, stdout);
    free(to);
    buf_free(&in);
    buf_free(&out);
    buf_free(&said);
    if (rc < 0)
        log_error("%s", err.text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
