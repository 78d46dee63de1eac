/* summary.c - the table at the end of a campaign. */
#include "mtbench/summary.h"

#include "mtbench/io.h"
#include "mtbench/judgment.h"
#include "mtbench/log.h"
#include "mtbench/paths.h"
#include "mtbench/score.h"
#include "mtbench/sheet.h"

#include <math.h>
#include <stdlib.h>

/* One of the model, of this judge. A table that cannot be read is told: an empty cell would look like no judgments. */
static struct score score_of_row(const struct summary_row *r)
{
    struct score none = { .mean.value = NAN }, found = none;
    struct judgment_table table = {0};
    struct scores s = {0};
    struct err err = {0};
    char *path = r->judge && !r->pairs ? bench_judgments_path(r->data_dir, r->bench, r->judge, false) : NULL;
    if (path && io_exists(path, NULL) != 0) { /* what cannot be looked at is told of by whoever reads it */
        const struct score_choice choice = { .model = &r->model, .n_models = 1, .judge = r->judge };
        if (judgment_table_read(&table, path, &err) == 0 && scores_build(&s, path, &table, &choice, &err) == 0)
            found = score_of(&s, 0, SCORE_ALL);
        else
            log_note("line %ld: no score: %s", r->number, err.text);
        scores_free(&s);
        judgment_table_free(&table);
    }
    free(path);
    return found;
}

static void columns(struct sheet *s)
{
    static const struct { const char *name, *head; int decimals; } column[] = {
        { "line", NULL, 0 }, { "model", NULL, 0 }, { "bench", NULL, 0 }, { "seed", NULL, 0 }, { "turns", NULL, 0 },
        { "of", NULL, 0 }, { "failed", NULL, 0 }, { "tokens", NULL, 0 }, { "judge", NULL, 0 }, { "score", NULL, 2 },
        { "judged", NULL, 0 }, { "judgments_failed", "not judged", 0 }, { "status", NULL, 0 }, { "exit", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof column / sizeof *column; i++)
        sheet_column(s, column[i].name, column[i].head, column[i].decimals, SHEET_ALL);
}

static void put_row(struct sheet *s, const struct summary_row *r)
{
    const struct score score = score_of_row(r);
    const bool known = score.mean.n > 0 || score.failed > 0; /* where all have failed there is no mean, and that is to be seen */
    sheet_int(s, r->number);
    sheet_text(s, r->model);
    sheet_text(s, r->bench);
    sheet_int(s, r->seed);
    sheet_int(s, r->done);
    sheet_int(s, r->total);
    sheet_int(s, r->failed);
    sheet_int(s, (long)r->tokens);
    if (r->judge)
        sheet_text(s, r->judge);
    else
        sheet_empty(s);
    sheet_number(s, score.mean.value);
    if (known) {
        sheet_int(s, (long)score.mean.n);
        sheet_int(s, score.failed);
    } else {
        sheet_empty(s);
        sheet_empty(s);
    }
    sheet_text(s, r->state);
    sheet_int(s, r->code);
}

void summary_put(struct buf *out, const struct summary_row *row, int n, enum sheet_form form)
{
    struct sheet s = {0};
    columns(&s);
    for (int i = 0; i < n; i++)
        put_row(&s, &row[i]);
    sheet_put(&s, form, "Models of a campaign", out);
    sheet_free(&s);
}
