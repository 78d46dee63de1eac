/* turn_sample.c - a sample of turns: equal shares of categories and turns, the same turns everywhere. */
#include "mtbench/turn_sample.h"

#include "mtbench/mem.h"

#include "tap.h"

#include <stdlib.h>

enum { PER_CATEGORY = 10, CATEGORIES = 8, QUESTIONS = PER_CATEGORY * CATEGORIES, TURNS = 2 * QUESTIONS };

static struct question q[QUESTIONS];
static char name[CATEGORIES][16];
static const struct questions qs = { .q = q, .n = QUESTIONS };

static size_t all_turns(struct turn_name *t, int n_questions)
{
    size_t n = 0;
    for (int i = 0; i < n_questions; i++)
        for (int k = 1; k <= 2; k++)
            t[n++] = (struct turn_name){ i, 0, k };
    return n;
}

static bool in_order(const struct turn_name *t, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (t[i].q < t[i - 1].q || (t[i].q == t[i - 1].q && t[i].turn <= t[i - 1].turn))
            return false;
    return true;
}

static void count(const struct turn_name *t, size_t n, int per_category[CATEGORIES], int per_turn[3])
{
    memset(per_category, 0, CATEGORIES * sizeof *per_category);
    memset(per_turn, 0, 3 * sizeof *per_turn);
    for (size_t i = 0; i < n; i++) {
        per_category[t[i].q / PER_CATEGORY]++;
        per_turn[t[i].turn]++;
    }
}

static void test_shares(void)
{
    struct turn_name t[TURNS];
    int category[CATEGORIES], turn[3];
    for (size_t want = 1; want <= TURNS; want++) {
        size_t n = turn_sample(&qs, t, all_turns(t, QUESTIONS), want, 0);
        int least = TURNS, most = 0;
        count(t, n, category, turn);
        for (int c = 0; c < CATEGORIES; c++) {
            least = category[c] < least ? category[c] : least;
            most = category[c] > most ? category[c] : most;
        }
        if (n != want || most - least > 1 || abs(turn[1] - turn[2]) > 1 || !in_order(t, n)) {
            ok(0, "%zu of %d: %zu, categories have %d to %d, turns %d and %d", want, TURNS, n, least, most, turn[1], turn[2]);
            return;
        }
    }
    ok(1, "samples of every size have equal shares of categories and turns, each turn once, in order");
    ok(turn_sample(&qs, t, all_turns(t, QUESTIONS), 1000, 0) == TURNS, "no more than there are");
    ok(turn_sample(&qs, t, 0, 5, 0) == 0, "of none none");
}

static void test_unequal(void)
{
    struct turn_name t[TURNS];
    int category[CATEGORIES], turn[3];
    size_t n = turn_sample(&qs, t, all_turns(t, 2 * PER_CATEGORY + 1), 12, 0);
    count(t, n, category, turn);
    ok(n == 12 && category[0] == 5 && category[1] == 5 && category[2] == 2, "a category with few turns gives those, the others the rest");
}

static void test_same(void)
{
    struct turn_name a[TURNS], b[TURNS];
    size_t n = all_turns(a, QUESTIONS);
    for (size_t i = 0; i < n; i++)
        b[i] = (struct turn_name){ QUESTIONS - 1 - (int)i / 2, 0, 2 - (int)i % 2 };
    size_t n_a = turn_sample(&qs, a, n, 16, 0), n_b = turn_sample(&qs, b, n, 16, 0);
    ok(n_a == n_b && !memcmp(a, b, n_a * sizeof *a), "whatever the order they come in");
    turn_sample(&qs, b, n, 16, 1);
    all_turns(a, QUESTIONS);
    turn_sample(&qs, a, n, 16, 0);
    ok(memcmp(a, b, 16 * sizeof *a), "another seed has another sample");
    const int want[6] = { 3, 10, 28, 36, 45, 51 }; /* of each category the least sha256("0 ID 0 TURN"), by hashlib */
    all_turns(a, QUESTIONS);
    n = turn_sample(&qs, a, TURNS, 6, 0);
    int same = 0;
    for (size_t i = 0; i < n; i++)
        same += a[i].q == want[i];
    ok(same == 6, "a sample of six is what it always was: %d %d %d %d %d %d", a[0].q, a[1].q, a[2].q, a[3].q, a[4].q, a[5].q);
}

int main(void)
{
    for (int i = 0; i < QUESTIONS; i++) {
        snprintf(name[i / PER_CATEGORY], sizeof *name, "c%d", i / PER_CATEGORY);
        q[i] = (struct question){ .id = 81 + i, .category = name[i / PER_CATEGORY], .n_turns = 2 };
    }
    test_shares();
    test_unequal();
    test_same();
    return done_testing();
}
