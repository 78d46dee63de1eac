/* drift.c - a judge that moved is told from one that did not: by an interval, or by all verdicts having moved alike. */
#include "mtbench/drift.h"

#include "tap.h"

#include <math.h>
#include <string.h>

static struct drift drift_with(bool scores, int n, const int64_t *question, const double *by, const char *words)
{
    const struct moves m = { scores, n, question, by };
    const struct drift d = drift_of(&m);
    struct buf b = {0};
    drift_put(&d, &b);
    ok(b.len && strstr(b.data, words), "%.*s", (int)b.len - 1, b.data);
    buf_free(&b);
    return d;
}

int main(void)
{
    static const int64_t question[] = { 81, 81, 82, 82, 83, 83, 84, 84 };
    static const double noise[] = { 1, 0, -1, 0, 0, -1, 1, 0 }, kinder[] = { 1, 2, 1, 1, 2, 2, 1, 2 };
    static const double alike[] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    static const double none[8] = { 0 }, winners[] = { 1, 0, 0, 0, 1, 1, 0, 0 };
    ok(!drift_with(true, 8, question, noise, "drift     +0.000   95 % interval").moved, "up and down is no drift");
    struct drift d = drift_with(true, 8, question, kinder, "drift     +1.500   95 % interval +");
    ok(d.moved && d.e.clusters == 4 && d.e.n == 8, "all kinder is one, clustered by question");
    ok(drift_with(true, 8, question, alike, "no interval: all alike").moved, "all moved alike: there is no interval, and no doubt");
    ok(!drift_with(true, 8, question, none, "+0.000   no interval: all alike").moved, "nothing moved");
    ok(!drift_with(true, 2, question, alike, "no interval: fewer than two questions").moved, "one question is no evidence");
    d = drift_with(false, 8, question, winners, "changed   +0.375   95 % interval");
    ok(d.e.low >= 0 && d.e.high <= 1 && !d.scores, "other winners are a share");
    d = drift_with(true, 0, question, none, "fewer than two");
    ok(isnan(d.e.value) && !d.moved, "no verdicts, no drift");
    return done_testing();
}
