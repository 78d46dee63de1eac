/* cmd_agree.c - the verb `agree`: how often judges and people say the same. */
#include "cmd.h"

#include "mtbench/agreement.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/sheet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JUDGES = 64 };

struct agree_opts {
    struct opt_list judges, votefiles;
    const char *format;
};

static int parse_opts(struct agree_opts *o, bool fastchat, int argc, char **argv, struct err *err)
{
    static char *default_files[] = { "gpt4_judgments.json", "human_judgments.json" }, *default_judges[] = { "gpt4-pair", "human" };
    *o = (struct agree_opts){ .votefiles = { default_files, 2 }, .format = fastchat ? "fastchat" : "table" };
    const struct opt table[] = {
        { "judges", OPT_LIST, &o->judges, NULL, "NAME...",
          "whose agreement; one judge twice: with itself; human+author: both as one (all pairs)" },
        { "votefiles", OPT_LIST, &o->votefiles, NULL, "FILE...",
          "votes: JSON arrays, or a vote or pair judgment a line (gpt4_judgments.json human_judgments.json)" },
        { "format", OPT_STRING, &o->format, NULL, "FORM", "table, fastchat, csv or json (table; fastchat for compute_agreement)" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("agree", "Show how often judges and people agree, per turn, with and without ties.", table, n);
    if (rc)
        return rc;
    /* By the format and not by the name that was typed: `agree --format fastchat` has the script's rules, too. */
    fastchat = !strcmp(o->format, "fastchat");
    if (!fastchat && strcmp(o->format, "table") && strcmp(o->format, "csv") && strcmp(o->format, "json"))
        return err_set(err, ERR_USAGE, "--format %s: must be table, fastchat, csv or json", o->format);
    if (fastchat && o->judges.n == 0)
        o->judges = (struct opt_list){ default_judges, 2 };
    if (o->judges.n == 1 || (fastchat && o->judges.n != 2) || o->judges.n > MAX_JUDGES)
        return err_set(err, ERR_USAGE, "--judges: needs %s", fastchat ? "two judges" : "two judges or more, at most 64");
    return 0;
}

/* ---- which judges ---- */

struct judges {
    struct judge_set set[MAX_JUDGES];
    int n;
};

static int find_judges(struct judges *j, const struct votes *votes, const struct opt_list *wanted, struct err *err)
{
    uint8_t *seen = xcalloc((size_t)votes->n_names + 1, 1); /* (n_names) judges that have a set already */
    int rc = 0;
    for (int i = 0; i < wanted->n && rc == 0; i++) {
        rc = judge_set_parse(&j->set[j->n], votes, wanted->word[i], err);
        j->n += rc == 0;
    }
    /* Nobody was named: each judge, in the order in which the files bring them. */
    for (size_t i = 0; wanted->n == 0 && i < votes->n && rc == 0; i++) {
        if (!seen[votes->v[i].judge]) {
            rc = j->n == MAX_JUDGES ? err_set(err, ERR_USAGE, "--judges: the votes are of more than %d judges; name those to compare",
                                              MAX_JUDGES)
                                    : judge_set_parse(&j->set[j->n], votes, votes->name[votes->v[i].judge], err);
            j->n += rc == 0;
        }
        seen[votes->v[i].judge] = 1;
    }
    free(seen);
    return rc;
}

/* ---- FastChat's four lines ---- */

static int print_fastchat(const struct vote_items *items, const struct judges *j, struct err *err)
{
    const bool itself = !strcmp(j->set[0].name, j->set[1].name);
    struct buf b = {0};
    for (int turn = 1; turn <= 2; turn++) {
        for (int ties = 1; ties >= 0; ties--) {
            struct agreement a = vote_items_agreement(items, &j->set[0], itself ? NULL : &j->set[1], turn, ties);
            if (a.several) {
                buf_free(&b);            /* no line of four before the error */
                return err_set(
                    err, ERR_USAGE,
                    "--judges %s %s: %s votes more than once on the same two answers; use another --format, which counts each vote",
                    j->set[0].name, j->set[1].name, j->set[0].name);
            }
            buf_printf(&b, "turn %d %s tie. #total: %ld, #agree: %ld, ratio: %.2f\n", turn, ties ? "with" : "without", a.total, a.agree,
                       fabs(a.ratio.value));
        }
    }
    fwrite(b.data, 1, b.len, stdout);
    buf_free(&b);
    return 0;
}

/* ---- ours ---- */

static void columns(struct sheet *s)
{
    sheet_column(s, "judge_a", "judges", 0, SHEET_ALL);
    sheet_column(s, "judge_b", "", 0, SHEET_ALL);
    sheet_column(s, "turn", NULL, 0, SHEET_ALL);
    sheet_column(s, "ties", NULL, 0, SHEET_ALL);
    sheet_column(s, "total", "votes", 0, SHEET_ALL);
    sheet_column(s, "agree", NULL, 0, SHEET_ALL);
    sheet_column(s, "ratio", NULL, 3, SHEET_ALL);
    sheet_column(s, "interval", "95 % interval", 0, SHEET_TEXT);
    sheet_column(s, "low", NULL, 0, SHEET_DATA);
    sheet_column(s, "high", NULL, 0, SHEET_DATA);
    sheet_column(s, "items", NULL, 0, SHEET_ALL);
    sheet_column(s, "kappa", NULL, 3, SHEET_ALL);
    sheet_column(s, "kappa_interval", "95 % interval", 0, SHEET_TEXT);
    sheet_column(s, "kappa_low", NULL, 0, SHEET_DATA);
    sheet_column(s, "kappa_high", NULL, 0, SHEET_DATA);
    sheet_column(s, "alpha", NULL, 3, SHEET_ALL);
}

static void put_interval(struct sheet *s, const struct estimate *e)
{
    if (isnan(e->low))
        sheet_empty(s);
    else
        sheet_printf(s, "%.2f .. %.2f", e->low, e->high);
    sheet_number(s, e->low);
    sheet_number(s, e->high);
}

static void put_pair(struct sheet *s, const struct vote_items *items, const struct judge_set *a, const struct judge_set *b)
{
    /* Turn 0 is all turns; a judge of one turn alone has no row for the other. */
    for (int turn = 0; turn <= 2; turn++) {
        for (int ties = 1; ties >= 0; ties--) {
            struct agreement g = vote_items_agreement(items, a, b, turn, ties);
            if (g.total == 0)
                continue;
            sheet_text(s, a->name);
            sheet_text(s, b ? b->name : a->name);
            if (turn)
                sheet_int(s, turn);
            else
                sheet_text(s, "all");
            sheet_text(s, ties ? "with" : "without");
            sheet_int(s, g.total);
            sheet_int(s, g.agree);
            sheet_number(s, g.ratio.value);
            put_interval(s, &g.ratio);
            sheet_int(s, g.items);
            sheet_number(s, g.kappa.value);
            put_interval(s, &g.kappa);
            sheet_number(s, g.alpha);
        }
    }
}

static int print_ours(const struct vote_items *items, const struct judges *j, bool all, const char *format, long failed, struct err *err)
{
    struct sheet s = {0};
    struct buf b = {0};
    columns(&s);
    for (int i = 0; i < j->n; i++) {
        for (int k = all ? i : i + 1; k < j->n; k++) /* all: with itself as well, which is how steady a class of judges is */
            put_pair(&s, items, &j->set[i], strcmp(j->set[i].name, j->set[k].name) ? &j->set[k] : NULL);
    }
    sheet_fact_int(&s, "failed", failed, failed ? "pair judgments without a verdict, not counted: %ld" : NULL, failed);
    if (!strcmp(format, "csv"))
        sheet_put_csv(&s, &b);
    else if (!strcmp(format, "json"))
        sheet_put_json(&s, &b);
    else
        sheet_put_text(&s, &b);
    /* No cell means that no two of them ever looked at the same answers: an empty table would look like a result. */
    const bool some = s.n_cells > 0;
    if (some)
        fwrite(b.data, 1, b.len, stdout);
    buf_free(&b);
    sheet_free(&s);
    return some ? 0 : err_set(err, ERR_USAGE, "--judges: no two votes of them on the same two answers");
}

static int read_votes(struct votes *votes, const char *path, struct err *err)
{
    if (votes_read(votes, path, err) == 0)
        return 0;
    if (err->kind == ERR_IO) {
        err_wrap(err, "--votefiles");
        err_advise(err, "name files of votes or of pair judgments");
    }
    return -1;
}

int cmd_agree(struct job *job, int argc, char **argv)
{
    struct agree_opts o;
    struct votes votes = {0};
    struct judges judges = {0};
    struct vote_items *items = NULL;
    struct err err = {0};
    /* No job: votes are read by one process, main.c sees to that. */
    (void)job;
    /* FastChat's script of this purpose prints four fixed lines, and whoever calls it by name may parse them. */
    int rc = parse_opts(&o, !strncmp(argv[-1], "compute_agreement", 17), argc, argv, &err);
    if (rc == 1)
        return EXIT_COMPLETE;
    for (int i = 0; rc == 0 && i < o.votefiles.n; i++)
        rc = read_votes(&votes, o.votefiles.word[i], &err);
    /* Judges are names in the votes, so the files come first; two sets that share a judge would agree with themselves. */
    if (rc == 0)
        rc = find_judges(&judges, &votes, &o.judges, &err) < 0 ? -1 : judge_sets_apart(judges.set, judges.n, &votes, &err);
    if (rc == 0) {
        items = vote_items_build(&votes);
        rc = !strcmp(o.format, "fastchat") ? print_fastchat(items, &judges, &err)
                                           : print_ours(items, &judges, o.judges.n == 0, o.format, votes.failed, &err);
    }
    for (int i = 0; i < judges.n; i++)
        judge_set_free(&judges.set[i]);
    vote_items_free(items);
    votes_free(&votes);
    if (rc < 0)
        log_error("%s", err.text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
