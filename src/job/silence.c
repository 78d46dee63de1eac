/* silence.c - since when which rank was not heard of. */
#include "silence.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct silence {
    int n;
    double after;
    struct { double heard, due; bool let_go; } rank[];       /* when, and how long a silence has to be to be told */
};

struct silence *silence_create(int n_ranks, double after, double now)
{
    struct silence *s = xcalloc(1, sizeof *s + (size_t)n_ranks * sizeof s->rank[0]);
    s->n = n_ranks;
    s->after = after;
    for (int r = 0; r < n_ranks; r++) {
        s->rank[r].heard = now;
        s->rank[r].due = after > 0 ? after : INFINITY;
    }
    return s;
}

void silence_destroy(struct silence *s)
{
    free(s);
}

int silence_broken(struct silence *s, int rank, double now)
{
    const int told = s->rank[rank].due > s->after && isfinite(s->rank[rank].due);
    s->rank[rank].heard = now;
    if (told)
        s->rank[rank].due = s->after;
    return told;
}

void silence_pass(struct silence *s, double seconds, double now)
{
    for (int r = 0; r < s->n; r++)
        s->rank[r].heard = fmin(s->rank[r].heard + seconds, now);            /* some have been heard since */
}

void silence_forget(struct silence *s, int rank)
{
    s->rank[rank].due = INFINITY;
    s->rank[rank].let_go = true;
}

int silence_next(struct silence *s, double now, double *lasts)
{
    for (int r = 0; r < s->n; r++) {
        *lasts = now - s->rank[r].heard;
        if (*lasts < s->rank[r].due)
            continue;
        s->rank[r].due = 2 * *lasts;
        return r;
    }
    return -1;
}

int silence_longest(const struct silence *s, double now, double *lasts)
{
    int longest = -1;
    for (int r = 0; r < s->n; r++)
        if (!s->rank[r].let_go && (longest < 0 || s->rank[r].heard < s->rank[longest].heard))
            longest = r;
    *lasts = longest < 0 ? 0 : now - s->rank[longest].heard;
    return longest;
}
