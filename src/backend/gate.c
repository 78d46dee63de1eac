/* gate.c - waiting for another thread: a little awake, then on a futex. */
#include "gate.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int look(struct gate *g, int seen, struct patience patience)
{
    int now = seen;
    for (int i = 0; i < patience.spins + patience.yields; i++) {
        if ((now = atomic_load_explicit(&g->value, memory_order_acquire)) != seen)
            break;
        if (i >= patience.spins)                                                    /* let others run before going to sleep */
            sched_yield();
#if defined(__x86_64__)
        else
            __builtin_ia32_pause();
#endif
    }
    return now;
}

int gate_await(struct gate *g, int seen, struct patience patience)
{
    int now = look(g, seen, patience);
    if (now != seen)
        return now;
    /* counted first, then looked again: see gate_add() */
    atomic_fetch_add(&g->sleepers, 1);
    while ((now = atomic_load(&g->value)) == seen)
        syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);     /* returns at once if it has changed meanwhile */
    atomic_fetch_sub(&g->sleepers, 1);
    return now;
}

int gate_await_for(struct gate *g, int seen, struct patience patience, double seconds)
{
    const struct timespec t = { .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
    int now = look(g, seen, patience);
    if (now != seen)
        return now;
    atomic_fetch_add(&g->sleepers, 1);
    if (atomic_load(&g->value) == seen)
        syscall(SYS_futex, &g->value, FUTEX_WAIT_PRIVATE, seen, &t, NULL, 0);
    atomic_fetch_sub(&g->sleepers, 1);
    return atomic_load(&g->value);
}

/* Who goes to sleep counts itself first and looks at the value then; here it is the other way round: one of both sees the other. */
void gate_add(struct gate *g, int n)
{
    atomic_fetch_add(&g->value, n);
    if (atomic_load(&g->sleepers))
        syscall(SYS_futex, &g->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
