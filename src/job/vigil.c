/* vigil.c - locks that the dead let go of. A number of a process would not do: containers count their own, and numbers come again. */
#include "vigil.h"

#include "mtbench/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

struct seat {
    _Alignas(64) pthread_mutex_t lock;    /* held by who sits here */
    atomic_bool dead;                     /* somebody found it let go by the system, which says so once */
};

struct vigil {
    struct seat *seat;                    /* (n) shared */
    int mine, n;
};

size_t vigil_bytes(int n)
{
    return (size_t)n * sizeof(struct seat);
}

void vigil_lay_out(void *memory, int n)
{
    struct seat *seat = memory;
    pthread_mutexattr_t robust;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setpshared(&robust, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    for (int i = 0; i < n; i++)
        pthread_mutex_init(&seat[i].lock, &robust);
    pthread_mutexattr_destroy(&robust);
}

struct vigil *vigil_join(void *memory, int mine, int n)
{
    struct vigil *v = xcalloc(1, sizeof *v);
    *v = (struct vigil){ memory, mine, n };
    pthread_mutex_lock(&v->seat[mine].lock);                /* somebody may be looking at it just now */
    return v;
}

static bool is_dead(struct seat *s)
{
    const int rc = pthread_mutex_trylock(&s->lock);
    if (rc == EOWNERDEAD) {
        atomic_store(&s->dead, true);
        pthread_mutex_consistent(&s->lock);                 /* glibc's trylock keeps a lock that is beyond repair */
    }
    if (rc == 0 || rc == EOWNERDEAD)
        pthread_mutex_unlock(&s->lock);
    return atomic_load(&s->dead);
}

int vigil_dead(struct vigil *v)
{
    for (int i = 0; i < v->n; i++)
        if (i != v->mine && is_dead(&v->seat[i]))
            return i;
    return -1;
}

void vigil_leave(struct vigil *v)
{
    if (v)
        pthread_mutex_unlock(&v->seat[v->mine].lock);
    free(v);
}
