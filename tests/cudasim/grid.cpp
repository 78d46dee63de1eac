/* grid.cpp - runs one launch: its blocks one after another, the threads of a block as fibers. A thread runs until it waits; then the next
 * one that can run does. The order is the test's choice, and no right kernel's result depends on it. */
#include "sim.h"

#include "kernels/cuda/simt.h"

#include <string.h>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
block B;

static struct {
    int next[MAX_THREADS];                       /* fresh threads in the order in which they start */
    int n_started, n_done;
    int ready[MAX_THREADS], head, n_ready;       /* ring of threads that were woken */
    uint3 index[MAX_THREADS];
    struct {
        int n, n_predicate;
        site at;
    } barrier;
    uint32_t random;
    bool runs;
    cudaError_t error;
} G;

bool grid_running() { return G.runs; }

uint32_t grid_random()
{
    G.random ^= G.random << 13;
    G.random ^= G.random >> 17;
    G.random ^= G.random << 5;
    return G.random;
}

static void become(int thread)
{
    B.current = thread;
    B.steps = 0;
    threadIdx = G.index[thread];
}

/* The next thread to run, -1 if none can. Woken ones go first, or last in reverse order: what waits long and what runs early differ. */
static int choose()
{
    bool fresh = G.n_started < B.n, woken = G.n_ready > 0;
    if (!fresh && !woken)
        return -1;
    if (fresh && woken) {
        enum cudasim_order o = cudasim()->order;
        fresh = o == CUDASIM_REVERSE || (o == CUDASIM_RANDOM && grid_random() % 2);
    }
    if (fresh)
        return G.next[G.n_started++];
    if (cudasim()->order == CUDASIM_RANDOM) {
        int other = (G.head + static_cast<int>(grid_random() % static_cast<uint32_t>(G.n_ready))) % MAX_THREADS, t = G.ready[other];
        G.ready[other] = G.ready[G.head];
        G.ready[G.head] = t;
    }
    int t = G.ready[G.head];
    G.head = (G.head + 1) % MAX_THREADS;
    G.n_ready--;
    return t;
}

void grid_wake(int thread)
{
    B.t[thread].state = thread::READY;
    G.ready[(G.head + G.n_ready++) % MAX_THREADS] = thread;
}

/* Nobody can run and somebody waits: say who waits where. */
[[noreturn]] static void deadlock()
{
    int waits = -1, n_waits = 0, done = -1, other = -1;
    for (int i = 0; i < B.n; i++) {
        const thread *t = &B.t[i];
        if (t->state == thread::DONE)
            done = i;
        if (t->state != thread::WAITS)
            continue;
        n_waits++;
        if (waits < 0)
            waits = i;
        else if (t->at.line != B.t[waits].at.line)
            other = i;
    }
    char rest[200] = "";
    if (other >= 0)
        snprintf(rest, sizeof rest, "; %s waits in %s at line %d", thread_name(other), B.t[other].waits_for, B.t[other].at.line);
    else if (done >= 0)
        snprintf(rest, sizeof rest, "; %s has ended", thread_name(done));
    become(waits);
    fault(cudaErrorLaunchTimeout, B.t[waits].at, "%d threads wait in %s for threads that never come%s", n_waits, B.t[waits].waits_for,
          rest);
}

/* A stack: its thread, and when that ends the next fresh one, so that threads that never wait need no switch. */
static void thread_entry()
{
    fiber_arrived();
    for (;;) {
        int me = B.current;
        fiber *mine = B.t[me].f;
        B.t[me].state = thread::READY;
        B.call->run();
        async_thread_done(me);
        B.t[me].state = thread::DONE;
        B.alive[me / WARP] &= ~(1u << me % WARP);
        G.n_done++;
        int t = choose();
        if (t >= 0 && B.t[t].state == thread::FRESH) {
            B.t[t].f = mine;
            become(t);
            continue;
        }
        fiber_free(mine);
        if (t < 0 && G.n_done < B.n)
            deadlock();
        if (t >= 0)
            become(t);
        fiber_switch_for_good(t < 0 ? &fiber_main : B.t[t].f);
    }
}

void grid_wait(const char *what, unsigned mask, site at)
{
    thread *me = &B.t[B.current];
    me->state = thread::WAITS;
    me->waits_for = what;
    me->mask = mask;
    me->at = at;
    int t = choose();
    if (t < 0)
        deadlock();
    if (B.t[t].state == thread::FRESH)
        B.t[t].f = fiber_new(thread_entry);
    become(t);
    if (B.t[t].f != me->f)
        fiber_switch(me->f, B.t[t].f);
}

void grid_fail(cudaError_t why) { G.error = why; }

void grid_abort(cudaError_t why)
{
    G.error = why;
    fiber_switch_for_good(&fiber_main);
}

int sim_block_barrier(int predicate, const char *file, int line)
{
    static int answer;
    auto *b = &G.barrier;
    if (b->n == 0)
        b->at = site{ file, line };
    else if (b->at.line != line || !same_file(b->at, site{ file, line }))
        fault(cudaErrorLaunchFailure, site{ file, line }, "a barrier in which others of the block wait at %s:%d: it is divergent",
              b->at.file, b->at.line);
    b->n++;
    b->n_predicate += predicate;
    if (b->n < B.n) {
        grid_wait("__syncthreads", 0, site{ file, line });
        return answer;
    }
    answer = b->n_predicate;
    b->n = b->n_predicate = 0;
    B.barrier_clock = ++B.clock;
    counts_now()->barriers++;
    counts_block_done();
    int n = B.n, step = cudasim()->order == CUDASIM_REVERSE ? n - 1 : 1;
    for (int i = 1; i < n; i++)
        grid_wake((B.current + i * step) % n);
    return answer;
}

static void order_threads()
{
    enum cudasim_order o = cudasim()->order;
    for (int i = 0; i < B.n; i++)
        G.next[i] = o == CUDASIM_REVERSE ? B.n - 1 - i : i;
    for (int i = B.n - 1; o == CUDASIM_RANDOM && i > 0; i--) {
        int j = static_cast<int>(grid_random() % static_cast<uint32_t>(i + 1)), t = G.next[i];
        G.next[i] = G.next[j];
        G.next[j] = t;
    }
}

void warp_begin();

static void run_block()
{
    B.serial++;
    B.clock = 1;
    B.barrier_clock = 0;
    memset(B.warp_clock, 0, sizeof B.warp_clock);
    for (int w = 0; w < B.n_warps; w++)
        B.alive[w] = B.n - w * WARP >= WARP ? K_FULL : (1u << (B.n - w * WARP)) - 1;
    memset(B.t, 0, sizeof B.t[0] * static_cast<size_t>(B.n));
    G.n_started = G.n_done = G.head = G.n_ready = 0;
    G.barrier.n = G.barrier.n_predicate = 0;
    order_threads();
    warp_begin();
    async_begin();
    shared_begin(B.call->dyn_shared);
    int first = choose();
    B.t[first].f = fiber_new(thread_entry);
    become(first);
    fiber_switch(&fiber_main, B.t[first].f);
    counts_block_done();
    if (!G.error)
        shared_end();
}

/* Fibers of a launch that was given up never run again: their stacks are free. */
static void drop_fibers()
{
    for (int i = 0; i < B.n; i++)
        if (B.t[i].f && B.t[i].state != thread::DONE)
            fiber_free(B.t[i].f);
}

static void set_shape(const sim_call *c)
{
    B.call = c;
    B.n = static_cast<int>(c->block.x * c->block.y * c->block.z);
    B.n_warps = (B.n + WARP - 1) / WARP;
    blockDim = c->block;
    gridDim = c->grid;
    for (unsigned i = 0; i < static_cast<unsigned>(B.n); i++)
        G.index[i] = uint3{ i % c->block.x, i / c->block.x % c->block.y, i / c->block.x / c->block.y };
}

cudaError_t grid_run(const sim_call *call)
{
    const uint64_t n = static_cast<uint64_t>(call->grid.x) * call->grid.y * call->grid.z;
    set_shape(call);
    G.error = cudaSuccess;
    G.random = cudasim()->seed * 2654435761u + 1;
    G.runs = true;
    shadow_launch();
    counts_launch(call);
    for (uint64_t i = 0; i < n && !G.error; i++) {
        uint64_t at = cudasim()->order == CUDASIM_REVERSE ? n - 1 - i : i;
        blockIdx = uint3{ static_cast<unsigned>(at % gridDim.x), static_cast<unsigned>(at / gridDim.x % gridDim.y),
                          static_cast<unsigned>(at / gridDim.x / gridDim.y) };
        run_block();
    }
    if (G.error)
        drop_fibers();
    G.runs = false;
    return G.error;
}
