/* reader.c - the threads of all ranks of a node that read its chunks into the ring, ahead of need, and hash them. */
#include "ring_priv.h"

#include "mtbench/watch.h"

#include <sched.h>

/* ---- how many ---- */

int ring_threads(int rank, int n_ranks, int n_cores)
{
    /* A core hashes 1 to 1.5 GB/s, and a node needs no more than it can read, send and pack. */
    enum { MOST = 8 };
    const int node = n_cores < MOST ? n_cores : MOST, mine = node / n_ranks + (rank < node % n_ranks);
    return mine < 1 && rank == 0 ? 1 : mine;
}

int ring_slots(int n_threads_of_node)
{
    const int n = 2 * n_threads_of_node + RING_SPARE;            /* for each thread one at hand and one that waits to be taken */
    return n < RING_SLOTS ? n : RING_SLOTS;
}

/* ---- what is read next ---- */

long reader_first(const struct ring_opts *o, long c)
{
    while (c < o->grid->n_chunks && (c % o->n_nodes != o->node || o->skip[c]))
        c++;
    return c;
}

static int n_ahead(const struct ring *r)
{
    int n = 0;
    for (int i = 0; i < r->o.n_slots; i++)
        n += r->common->slot[i].state == SLOT_READ || r->common->slot[i].state == SLOT_READING;
    return n;
}

/* A slot for what is to be read next: what is asked for again, else what nobody has read. NULL: nothing, or not now. */
static struct slot *next_work(struct ring *r)
{
    struct common *c = r->common;
    struct slot *s = ring_slot_in(r, SLOT_FREE);
    const bool again = c->wanted >= 0;
    const long chunk = again ? c->wanted : c->frontier;
    /* RING_SPARE slots stay for what is asked for again and for what comes from other nodes, or reading ahead could stop both. */
    if (!s || c->n_reading == RING_READS || chunk >= r->o.grid->n_chunks || (!again && n_ahead(r) >= r->o.n_slots - RING_SPARE))
        return NULL;
    if (again)
        c->wanted = -1;
    else
        c->frontier = reader_first(&r->o, chunk + 1);
    s->state = SLOT_READING;
    s->chunk = chunk;
    s->reader = r->o.rank;
    return s;
}

static void read_into(struct ring *r, struct slot *s)
{
    struct common *c = r->common;
    unsigned char *data = ring_data(r, s);
    c->n_reading++;
    pthread_mutex_unlock(&c->lock);
    watch_begin(WATCH_WORKS, "reading %s", r->o.grid->path[grid_file(r->o.grid, s->chunk)]);    /* where a taker itself reads */
    s->rc = grid_read(r->o.grid, s->chunk, data, &s->err);
    watch_end();
    pthread_mutex_lock(&c->lock);
    c->n_reading--;
    pthread_cond_broadcast(&c->work);                       /* the file system may be asked for another chunk while this one is hashed */
    if (s->rc == 0) {
        pthread_mutex_unlock(&c->lock);
        grid_hash(r->o.grid, s->chunk, data);
        pthread_mutex_lock(&c->lock);
    } else {
        c->frontier = r->o.grid->n_chunks;                  /* the same file would fail again: only what is asked for is tried */
    }
    s->state = c->draining ? SLOT_FREE : SLOT_READ;
    pthread_cond_broadcast(&c->work);
    pthread_cond_broadcast(&c->news);
}

bool reader_step(struct ring *r)
{
    struct slot *s = next_work(r);
    if (s)
        read_into(r, s);
    return s != NULL;
}

static void *reader_main(void *arg)
{
    struct ring *r = arg;
    pthread_mutex_lock(&r->common->lock);
    while (!r->common->closed)
        if (!reader_step(r))
            pthread_cond_wait(&r->common->work, &r->common->lock);
    pthread_mutex_unlock(&r->common->lock);
    return NULL;
}

void reader_start(struct ring *r)
{
    pthread_attr_t attr;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; r->o.cpu && i < r->o.n_cpus; i++)
        CPU_SET((size_t)r->o.cpu[i], &set);
    pthread_attr_init(&attr);
    /* Else they would share the one core of the caller, which the pool has pinned. */
    if (r->o.cpu)
        pthread_attr_setaffinity_np(&attr, sizeof set, &set);
    while (r->n_threads < r->o.n_threads && (pthread_create(&r->thread[r->n_threads], &attr, reader_main, r) == 0 ||
                                             pthread_create(&r->thread[r->n_threads], NULL, reader_main, r) == 0))
        r->n_threads++;
    pthread_attr_destroy(&attr);
    r->common->n_readers += r->n_threads;
}
