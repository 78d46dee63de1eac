/* findings.c - how far two rows are apart, and which of many is told. */
#include "src/backend/findings.h"
#include "tap.h"

#include <math.h>
#include <string.h>

static void differs(const char *what, const float *a, const float *b, int n, double want, int where)
{
    int column;
    const double by = row_difference(a, b, n, &column);
    ok((isinf(want) ? isinf(by) : fabs(by - want) <= 1e-6 * (1 + want)) && (want == 0 || column == where), "%s: %g in column %d (%g in %d)",
       what, by, column, want, where);
}

static void rows(void)
{
    const float nan = NAN, inf = INFINITY;
    differs("equal rows", (float[]){ 1, -2, 3 }, (float[]){ 1, -2, 3 }, 3, 0, 0);
    differs("zeros of both signs", (float[]){ 0, 1 }, (float[]){ -0.0f, 1 }, 2, 0, 0);
    differs("a small number by the row's size", (float[]){ 1, 0, -1, 0 }, (float[]){ 1, 0, -1, 0.1f }, 4, 0.1 / sqrt(0.5), 3);
    differs("a large one by its own", (float[]){ 0, 0, 0, 100 }, (float[]){ 0, 0, 0, 101 }, 4, 0.01, 3);
    differs("beside a row of nothing", (float[]){ 0, 0 }, (float[]){ 0, 0.5f }, 2, 0.5, 1);
    differs("NaN in both", (float[]){ nan, 1 }, (float[]){ nan, 1 }, 2, 0, 0);
    differs("NaN in the second alone", (float[]){ 1, 1 }, (float[]){ 1, nan }, 2, INFINITY, 1);
    differs("NaN in the first alone", (float[]){ nan, 1 }, (float[]){ 1, 1 }, 2, INFINITY, 0);
    differs("infinite in both", (float[]){ inf, 1 }, (float[]){ inf, 1 }, 2, 0, 0);
    differs("infinite apart", (float[]){ inf, 1 }, (float[]){ -inf, 1 }, 2, INFINITY, 0);
    differs("nothing but NaN, and a number", (float[]){ nan }, (float[]){ 1 }, 1, INFINITY, 0);
}

static void told(void)
{
    static const char *const name[2] = { "one", "two" };
    struct findings f = { .bound = 0.1 };
    struct buf text = { 0 };
    findings_add(&f, &(struct finding){ .op = FINDING_embed, .step = 1, .layer = FINDING_EMBEDDING, .by = 0.05, .a = 1, .b = 2 });
    findings_add(&f, &(struct finding){ .op = FINDING_embed, .step = 2, .layer = FINDING_EMBEDDING });
    findings_put(&f, name, &text);
    ok(!f.found && strstr(text.data, "nothing differs by more than 0.1\n"), "within the bound: nothing");
    ok(strstr(text.data, "embed                2 rows  largest difference 5.00e-02  step 1, embedding, row 0 (position 0), column 0: "
                         "1 (one), 2 (two)\n"), "the largest difference of an op: %s", text.data);
    buf_clear(&text);
    findings_add(&f, &(struct finding){ .op = FINDING_linear, .step = 2, .layer = 3, .row = 4, .position = 260, .column = 7, .by = 0.2 });
    findings_add(&f, &(struct finding){ .op = FINDING_linear, .step = 2, .layer = 4, .row = 5, .by = 0.4 });
    findings_add(&f, &(struct finding){ .op = FINDING_sample, .step = 2, .layer = FINDING_HEAD, .column = -1, .a = 95, .b = 94,
                                        .by = INFINITY });
    findings_put(&f, name, &text);
    ok(f.found && strstr(text.data, "first beyond 0.1: linear by 2.00e-01, step 2, layer 3, row 4 (position 260), column 7: 0 (one), "
                                    "0 (two)\n"),
       "the first beyond the bound, not the largest");
    ok(strstr(text.data, "largest difference inf  step 2, head, row 0 (position 0): 95 (one), 94 (two)\n"), "a token has no column");
    ok(strstr(text.data, "linear               2 rows") && !strstr(text.data, "silu_mul"), "what was not looked at has no line");
    buf_free(&text);
}

int main(void)
{
    rows();
    told();
    return done_testing();
}
