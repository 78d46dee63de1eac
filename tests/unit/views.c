/* views.c - what `mtbench show` shows: every row has a cell for each column, and the right ones stand under their heads. */
#include "mtbench/views.h"

#include "mtbench/buf.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

static void whole(struct sheet *s, int rows, const char *what)
{
    ok(s->n_columns > 0 && s->n_cells == rows * s->n_columns, "%s: %d columns, %d cells in %d rows", what, s->n_columns, s->n_cells, rows);
    sheet_free(s);
    *s = (struct sheet){0};
}

/* Two models, two categories, two turns; anna's second turn in math has failed. */
static void test_scores(void)
{
    static const char questions[] = "{\"question_id\": 1, \"category\": \"writing\", \"turns\": [\"a\", \"b\"]}\n"
                                    "{\"question_id\": 2, \"category\": \"math\", \"turns\": [\"a\", \"b\"]}\n";
    static const struct { const char *model; int question, turn; double score; } given[] = {
        { "anna", 1, 1, 8 }, { "anna", 1, 2, 6 }, { "anna", 2, 1, 4 }, { "anna", 2, 2, -1 },
        { "bert", 1, 1, 9 }, { "bert", 1, 2, 7 }, { "bert", 2, 1, 5 }, { "bert", 2, 2, 3 },
    };
    struct questions qs = {0};
    struct judgment_table t = {0};
    struct scores s;
    struct sheet sheet = {0};
    struct buf lines = {0}, said = {0};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        buf_printf(&lines,
                   "{\"question_id\": %d, \"model\": \"%s\", \"judge\": [\"j\", \"p\"], \"judgment\": \"\", \"score\": %g, \"turn\": %d}\n",
                   given[i].question, given[i].model, given[i].score, given[i].turn);
    if (!ok(questions_parse("q", questions, strlen(questions), &qs, &err) == 0 &&
                judgment_table_parse(&t, "t", lines.data, lines.len, &err) == 0 &&
                scores_build(&s, "t", &t, &(struct score_choice){ .questions = &qs }, &err) == 0,
            "scores of two models %s", err.text))
        return;
    view_categories(&sheet, &s, true);
    sheet_put_csv(&sheet, &said);
    ok(strstr(said.data, "model,writing,math,score,n,failed\n") && strstr(said.data, "\nbert,8.00,4.00,6.0,4,0\n") &&
           strstr(said.data, "\nanna,7.00,4.00,6.0,3,1\n"),
       "means stand under their categories: %s", said.data);
    whole(&sheet, 2, "by category, a row a model");
    view_categories(&sheet, &s, false);
    whole(&sheet, 4, "by category, a row each");
    view_scores(&sheet, &s);
    whole(&sheet, 2, "scores");
    view_turns(&sheet, &s);
    whole(&sheet, 4, "by turn");
    view_compare(&sheet, &s, 0, 1);
    ok(sheet.n_columns > 0 && sheet.n_cells > 0 && sheet.n_cells % sheet.n_columns == 0, "two models side by side");
    sheet_free(&sheet);
    buf_free(&lines);
    buf_free(&said);
    scores_free(&s);
    judgment_table_free(&t);
    questions_free(&qs);
}

/* anna wins once, then says both times that the first one is better: a flip. */
static void test_pairs(void)
{
    struct buf games = {0};
    for (int q = 1; q <= 2; q++)
        buf_printf(&games,
                   "{\"question_id\": %d, \"model_1\": \"anna\", \"model_2\": \"base\", \"g1_winner\": \"model_1\", \"g2_winner\": "
                   "\"model_%d\", \"judge\": [\"j\", \"p\"], \"turn\": 1}\n",
                   q, q);
    struct judgment_table t = {0};
    struct pairwise p;
    struct sheet sheet = {0};
    struct buf said = {0};
    if (!ok(judgment_table_parse(&t, "t", games.data, games.len, &err) == 0 &&
                pairwise_build(&p, "t", &t, &(struct pairwise_choice){ .baseline = "base" }, &err) == 0,
            "games of two models %s", err.text))
        return;
    view_pairs(&sheet, &p, "base");
    sheet_put_csv(&sheet, &said);
    ok(strstr(said.data, ",n,questions,failed,win,loss,tie,flips,flips_to_first,flips_to_second,flip_rate\n") &&
           strstr(said.data, ",2,2,0,1,0,1,1,1,0,0.5\n"),
       "games stand under their heads: %s", said.data);
    whole(&sheet, 1, "against a baseline");
    buf_free(&games);
    buf_free(&said);
    pairwise_free(&p);
    judgment_table_free(&t);
}

int main(void)
{
    test_scores();
    test_pairs();
    return done_testing();
}
