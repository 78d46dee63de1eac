/* panel.c - judges side by side: every model once, in the order of its mean, whoever scored it. */
#include "mtbench/views.h"

#include "mtbench/buf.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void read_scores(struct judgment_table *t, struct scores *s, const char *judge, const char *const *model, const double *score, int n)
{
    struct buf b = {0};
    struct err err = {0};
    for (int i = 0; i < n; i++)
        for (int q = 0; q < 2; q++)
            buf_printf(
                &b,
                "{\"question_id\": %d, \"model\": \"%s\", \"judge\": [\"%s\", \"p\"], \"judgment\": \"\", \"score\": %g, \"turn\": 1}\n", q,
                model[i], judge, score[i] < 0 ? -1 : score[i] + q);
    ok(judgment_table_parse(t, judge, b.data, b.len, &err) == 0 && scores_build(s, judge, t, &(struct score_choice){ 0 }, &err) == 0,
       "judge %s%s", judge, err.text);
    buf_free(&b);
}

int main(void)
{
    struct judgment_table t[2] = {0};
    struct scores s[2];
    struct sheet sheet = {0};
    struct buf b = {0};
    static const char *const judge[] = { "strict", "mild" };
    read_scores(&t[0], &s[0], "strict", (const char *const[]){ "anna", "bert", "cleo" }, (const double[]){ 2, 4, -1 }, 3);
    read_scores(&t[1], &s[1], "mild", (const char *const[]){ "anna", "dora" }, (const double[]){ 8, 6 }, 2);
    view_panel(&sheet, s, judge, 2, true);
    sheet_put_text(&sheet, &b);
    const char *dora = strstr(b.data, "\ndora"), *anna = strstr(b.data, "\nanna"), *bert = strstr(b.data, "\nbert"),
               *cleo = strstr(b.data, "\ncleo");
    ok(dora && anna && bert && cleo && dora < anna && anna < bert && bert < cleo,
       "dora 6.5, anna 5.5, bert 4.5, and last who has no score");
    ok(anna && strstr(anna, "2.50 (") && strstr(anna, "8.50 (") && strstr(anna, "5.50"), "both judges' scores of anna, and their mean");
    ok(cleo && strstr(cleo, "-") && strstr(b.data, "strict") && strstr(b.data, "mild"), "%s", "the judges stand above");
    sheet_free(&sheet);
    buf_clear(&b);
    view_panel(&sheet, s, judge, 2, false);
    sheet_put_csv(&sheet, &b);
    ok(strstr(b.data, "\nanna,strict,2.5,") && strstr(b.data, "\nanna,mild,8.5,") && strstr(b.data, "\ncleo,strict,,,,,0,2,0\n") &&
           !strstr(b.data, "cleo,mild"),
       "data: a line per model and judge");
    sheet_free(&sheet);
    buf_free(&b);
    for (int j = 0; j < 2; j++) {
        scores_free(&s[j]);
        judgment_table_free(&t[j]);
    }
    return done_testing();
}
