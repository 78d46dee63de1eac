/* agree_view.c - from files of votes to the text of how often judges and people agree. */
#include "mtbench/agree_view.h"

#include "mtbench/agreement.h"
#include "mtbench/mem.h"
#include "mtbench/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which judges ---- */

struct judges {
    struct judge_set set[AGREE_JUDGES];
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
            rc = j->n == AGREE_JUDGES ? err_set(err, ERR_USAGE, "--judges: the votes are of more than %d judges; name those to compare",
                                              AGREE_JUDGES)
                                    : judge_set_parse(&j->set[j->n], votes, votes->name[votes->v[i].judge], err);
            j->n += rc == 0;
        }
        seen[votes->v[i].judge] = 1;
    }
    free(seen);
    return rc;
}

/* ---- FastChat's four lines ---- */

static int put_fastchat(struct buf *out, const struct vote_items *items, const struct judges *j, struct err *err)
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
    buf_add(out, b.data, b.len);
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

static int fill(struct sheet *s, const struct vote_items *items, const struct judges *j, const struct agree_view *o, long failed,
                struct err *err)
{
    const bool all = o->judges.n == 0;   /* with itself as well, which is how steady a class of judges is */
    columns(s);
    for (int i = 0; i < j->n; i++) {
        for (int k = all ? i : i + 1; k < j->n; k++)
            put_pair(s, items, &j->set[i], strcmp(j->set[i].name, j->set[k].name) ? &j->set[k] : NULL);
    }
    sheet_fact_int(s, "failed", failed, failed ? "pair judgments without a verdict, not counted: %ld" : NULL, failed);
    /* No cell means that no two of them ever looked at the same answers: an empty table would look like a result. */
    return s->n_cells > 0 ? 0 : err_set(err, ERR_USAGE, "--judges: no two votes of them on the same two answers");
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

/* With 'text' FastChat's lines, else the sheet. */
static int view(struct sheet *s, struct buf *text, const struct agree_view *o, struct err *err)
{
    struct votes votes = {0};
    struct judges judges = {0};
    int rc = 0;
    for (int i = 0; rc == 0 && i < o->votefiles.n; i++)
        rc = read_votes(&votes, o->votefiles.word[i], err);
    /* Judges are names in the votes, so the files come first; two sets that share a judge would agree with themselves. */
    if (rc == 0)
        rc = find_judges(&judges, &votes, &o->judges, err) < 0 ? -1 : judge_sets_apart(judges.set, judges.n, &votes, err);
    if (rc == 0) {
        struct vote_items *items = vote_items_build(&votes);
        rc = text ? put_fastchat(text, items, &judges, err) : fill(s, items, &judges, o, votes.failed, err);
        vote_items_free(items);
    }
    for (int i = 0; i < judges.n; i++)
        judge_set_free(&judges.set[i]);
    votes_free(&votes);
    return rc;
}

int agree_view_sheet(struct sheet *out, const struct agree_view *o, struct err *err)
{
    return view(out, NULL, o, err);
}

int agree_view_put(struct buf *out, const struct agree_view *o, struct err *err)
{
    struct sheet s = {0};
    if (o->format == AGREE_FASTCHAT)
        return view(NULL, out, o, err);
    int rc = agree_view_sheet(&s, o, err);
    if (rc == 0)
        sheet_put(&s, (enum sheet_form)o->format, "Agreement of judges", out);
    sheet_free(&s);
    return rc;
}
