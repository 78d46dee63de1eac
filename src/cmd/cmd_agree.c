/* cmd_agree.c - the verb `agree`: how often judges and people say the same. */
#include "cmd.h"

#include "mtbench/agree_view.h"
#include "mtbench/log.h"

#include <stdio.h>
#include <string.h>

static int parse_opts(struct agree_view *o, bool fastchat, int argc, char **argv, struct err *err)
{
    static char *default_files[] = { "gpt4_judgments.json", "human_judgments.json" }, *default_judges[] = { "gpt4-pair", "human" };
    *o = (struct agree_view){ .votefiles = { default_files, 2 }, .format = fastchat ? AGREE_FASTCHAT : AGREE_TABLE };
    const struct opt table[] = {
        { "judges", OPT_LIST, &o->judges, NULL, "NAME...",
          "whose agreement; one judge twice: with itself; human+author: both as one (all pairs)" },
        { "votefiles", OPT_LIST, &o->votefiles, NULL, "FILE...",
          "votes: JSON arrays, or a vote or pair judgment a line (gpt4_judgments.json human_judgments.json)" },
        { "format", OPT_CHOICE, &o->format, NULL, SHEET_FORMS "|fastchat", "(table; fastchat for compute_agreement)" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("agree", "Show how often judges and people agree, per turn, with and without ties.", table, n);
    if (rc)
        return rc;
    /* By the format and not by the name that was typed: `agree --format fastchat` has the script's rules, too. */
    fastchat = o->format == AGREE_FASTCHAT;
    if (fastchat && o->judges.n == 0)
        o->judges = (struct opt_list){ default_judges, 2 };
    if (o->judges.n == 1 || (fastchat && o->judges.n != 2) || o->judges.n > AGREE_JUDGES)
        return err_set(err, ERR_USAGE, "--judges: needs %s", fastchat ? "two judges" : "two judges or more, at most 64");
    return 0;
}

int cmd_agree(struct job *job, int argc, char **argv)
{
    struct agree_view o;
    struct buf text = {0};
    struct err err = {0};
    /* No job: votes are read by one process, main.c sees to that. */
    (void)job;
    /* FastChat's script of this purpose prints four fixed lines, and whoever calls it by name may parse them. */
    int rc = parse_opts(&o, !strncmp(argv[-1], "compute_agreement", 17), argc, argv, &err);
    if (rc == 0)
        rc = agree_view_put(&text, &o, &err);
    if (rc == 0)
        fwrite(text.data, 1, text.len, stdout);
    if (rc < 0)
        log_error("%s", err.text);
    buf_free(&text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
