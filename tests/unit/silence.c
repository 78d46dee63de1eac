/* silence.c - of whom nothing is heard: told once, again when it has lasted twice as long, and no more once it is heard of. */
#include "tap.h"

#include "src/job/silence.h"

int main(void)
{
    double lasts;
    struct silence *s = silence_create(3, 100, 1000);
    silence_forget(s, 0);
    ok(silence_next(s, 1099, &lasts) == -1, "nobody, as long as it is short");
    ok(silence_broken(s, 2, 1090) == 0 && silence_next(s, 1101, &lasts) == 1 && lasts == 101, "rank 1, after %g s", lasts);
    ok(silence_next(s, 1102, &lasts) == -1, "told once");
    ok(silence_next(s, 1195, &lasts) == 2, "rank 2 later");
    ok(silence_next(s, 1202, &lasts) == 1 && lasts == 202, "rank 1 again after twice as long");
    ok(silence_broken(s, 1, 1210) == 1 && silence_broken(s, 1, 1211) == 0, "heard of: the silence is over, once");
    ok(silence_next(s, 1299, &lasts) == -1 && silence_next(s, 1311, &lasts) == 1 &&
       silence_next(s, 1311, &lasts) == 2, "and a new one is told as the first");
    ok(silence_broken(s, 1, 1320) == 1 && silence_longest(s, 1350, &lasts) == 2 && lasts == 260, "rank 2 is missed longest, %g s", lasts);
    silence_pass(s, 1000, 2350);
    ok(silence_next(s, 2350, &lasts) == -1 && silence_longest(s, 2350, &lasts) == 2 && lasts == 260,
       "none is longer for a time in which nobody listened");
    silence_broken(s, 2, 2360);
    silence_broken(s, 1, 3361);
    silence_pass(s, 1000, 3361);
    ok(silence_longest(s, 3400, &lasts) == 2 && lasts == 40 && (silence_forget(s, 2), silence_longest(s, 3400, &lasts)) == 1 && lasts == 39,
       "nor was anybody heard in the future");
    silence_forget(s, 1);
    silence_forget(s, 2);
    ok(silence_longest(s, 1e9, &lasts) == -1, "and nobody when all are let go");
    ok(silence_next(s, 1e9, &lasts) == -1, "whoever has left is not missed");
    silence_destroy(s);
    s = silence_create(2, 0, 0);
    ok(silence_next(s, 1e9, &lasts) == -1 && silence_broken(s, 1, 1e9) == 0, "0: none is told");
    ok(silence_longest(s, 1e9, &lasts) == 0 && lasts == 1e9, "but is known all the same");
    silence_destroy(s);
    return done_testing();
}
