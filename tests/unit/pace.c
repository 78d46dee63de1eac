/* pace.c - what an endpoint bears: the limit falls once per burst and rises again, holds are kept, backoff grows with jitter; and the
 * budget. */
#include "tap.h"

#include "src/judge/budget.h"
#include "src/judge/pace.h"

#include <math.h>

static void test_limit(void)
{
    struct pace p;
    pace_init(&p, 256, 1, 7);
    ok(pace_room(&p, 0, 0) == 256 && pace_room(&p, 0, 200) == 56 && pace_room(&p, 0, 300) == 0, "all may start at first");
    for (int i = 0; i < 256; i++)
        pace_complaint(&p, 10, 10.2, 0);
    ok((int)p.limit == 128, "a burst of 256 complaints halves the limit once: %g", p.limit);
    pace_complaint(&p, 10.1, 10.4, 0);
    ok((int)p.limit == 128, "a straggler from before does not halve again");
    pace_complaint(&p, 11, 11.2, 0);
    ok((int)p.limit == 64, "one that started after does");
    int calls = 0;
    while (p.limit < 256 && calls < 100000) {
        pace_success(&p);
        calls++;
    }
    ok(calls > 64 * 6 && calls < 256 * 16, "it rises again by an eighth a round: %d successes", calls);
    ok(p.limit == 256, "not above the user's limit");
    double started = 100;
    for (int i = 0; i < 40; i++, started += 10)
        pace_complaint(&p, started, started + 1, 0);
    ok(p.limit == 1 && pace_room(&p, 1e9, 0) == 1, "never below one");
}

static void test_hold(void)
{
    struct pace p;
    pace_init(&p, 8, 1, 7);
    double again = pace_complaint(&p, 0, 1, 20);
    ok(again >= 21 && again <= 22, "Retry-After is obeyed, with a little jitter: %g", again);
    ok(pace_room(&p, 20.9, 0) == 0 && pace_room(&p, 22.1, 0) == 4, "nobody starts before");
    pace_complaint(&p, 0, 2, 5);
    ok(pace_room(&p, 20.9, 0) == 0, "a shorter wait does not lift a longer one");
    pace_init(&p, 8, 1, 7);
    double last = 0;
    int grows = 1;
    for (int i = 0; i < 5; i++) {
        double at = 1000 * (i + 1), wait = pace_complaint(&p, at - 1, at, -1) - at;
        grows &= wait > last && wait >= exp2(i) / 2 && wait <= exp2(i);
        last = wait;
    }
    ok(grows, "without a word, each complaint in a row waits longer");
    pace_success(&p);
    ok(pace_complaint(&p, 9000, 9000, -1) - 9000 <= 1, "a success ends the row");
}

static void test_backoff(void)
{
    struct pace p, q, other;
    int in_range = 1, differs = 0;
    pace_init(&p, 8, 0.5, 1);
    pace_init(&q, 8, 0.5, 1);
    pace_init(&other, 8, 0.5, 2);
    for (int i = 1; i <= 12; i++) {
        double w = pace_backoff(&p, i), whole = fmin(0.5 * exp2(i - 1), 60);
        in_range &= w >= whole / 2 && w <= whole && w == pace_backoff(&q, i);
        differs |= w != pace_backoff(&other, i);
    }
    ok(in_range, "backoff doubles up to a minute, between half and all of it; a seed repeats it");
    ok(differs, "another seed, another jitter");
}

static void test_budget(void)
{
    struct purse p = { .max = 1 };
    struct budget b = { .price_in = 30, .price_out = 60, .purse = &p }, other = b;
    ok(fabs(budget_price(&b, 10000, 5000) - 0.6) < 1e-12, "10,000 tokens in at $30 and 5,000 out at $60 per million are $0.60");
    ok(budget_reserve(&b, 0.6) && !budget_reserve(&other, 0.6) && budget_reserve(&other, 0.4),
       "what is set aside counts, whoever set it aside");
    budget_settle(&b, 0.6, 0.1);
    ok(fabs(p.spent - 0.1) < 1e-12 && fabs(p.reserved - 0.4) < 1e-12 && budget_reserve(&b, 0.5) && !budget_reserve(&b, 0.01),
       "what came out cheaper makes room");
    struct budget free_of = { .price_in = -1, .price_out = -1 };
    ok(budget_price(&free_of, 1, 1) == -1 && budget_reserve(&free_of, -1), "no price: not known, not zero");
    struct purse half = { .max = 1, .spent = 0.95 };
    struct budget resumed = { .price_in = 1, .price_out = 1, .purse = &half };
    ok(!budget_reserve(&resumed, 0.06) && budget_reserve(&resumed, 0.05), "what earlier runs paid counts");
}

int main(void)
{
    test_limit();
    test_hold();
    test_backoff();
    test_budget();
    return done_testing();
}
