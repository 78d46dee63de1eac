/* sim.h - inside the emulator: its parts see each other through this header. What kernels see is in kernels/cuda/simt_cpu.h, what a test
 * may ask for in hooks.h. One launch runs at a time, under the lock of the fake CUDA runtime. */
#ifndef MTB_CUDASIM_SIM_H
#define MTB_CUDASIM_SIM_H

#include "hooks.h"
#include "kernels/cuda/simt_cpu.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { WARP = 32, MAX_THREADS = 1024, MAX_WARPS = MAX_THREADS / WARP, SHARED_ARENA = 1 << 20, REDZONE = 256 };

/* ---- fiber.cpp: stacks and the switch between them ---- */
struct fiber {
    void *sp;                                    /* where it left off */
    char *stack;
    void *asan;                                  /* the sanitizer's own */
    fiber *next;                                 /* of the free ones */
};
fiber *fiber_new(void (*entry)());               /* a free one or a new one */
void fiber_free(fiber *f);                       /* may be the one that runs, if it switches away for good next */
void fiber_arrived();                            /* the first that an entry calls */
void fiber_switch(fiber *from, fiber *to);
[[noreturn]] void fiber_switch_for_good(fiber *to);           /* nobody comes back to the one that runs */
bool fiber_owns(const fiber *f, const void *p);  /* p lies in its stack */
bool fiber_holds(const void *p);                 /* p lies in some fiber's stack */
extern fiber fiber_main;                         /* whoever runs the launch */

/* ---- grid.cpp: one launch, its blocks one after another ---- */
struct site {
    const char *file;
    int line;
};
static const site site_none = { nullptr, 0 };
static inline bool same_file(site a, site b) { return a.file == b.file || !strcmp(a.file, b.file); }
struct thread {
    fiber *f;
    enum { FRESH, READY, WAITS, DONE } state;
    const char *waits_for;                       /* "__syncthreads" ... */
    site at;
    unsigned mask;
};
struct block {
    const sim_call *call;
    int n, n_warps, current;
    long steps;                                  /* accesses of this thread since it last met others, where they are looked at */
    uint64_t serial;                             /* of this block among all that ever ran */
    unsigned alive[MAX_WARPS];                   /* lanes that exist and have not ended */
    uint32_t clock, barrier_clock, warp_clock[MAX_WARPS];    /* grows with every meeting that orders memory */
    thread t[MAX_THREADS];
};
extern block B;
cudaError_t grid_run(const sim_call *call);
bool grid_running();
void grid_wait(const char *what, unsigned mask, site at);    /* let others run until somebody calls grid_wake for this thread */
void grid_wake(int thread);
[[noreturn]] void grid_abort(cudaError_t why);  /* from a thread of the kernel: the launch is over */
void grid_fail(cudaError_t why);                 /* from between two blocks: the same */
uint32_t grid_random();                          /* of the order's own generator */

/* ---- shared.cpp: the shared memory of the block that runs ---- */
void shared_begin(size_t dyn_bytes);
void shared_end();                               /* looks at the zones between arrays */
bool shared_holds(const void *p);
const char *shared_name(const void *p);          /* "red[12]"-like words for reports */
extern char *sim_shared_base;
extern size_t shared_used;

/* ---- device.cpp, bounds.cpp: what a launch may have ---- */
size_t shared_most(const sim_call *call);        /* bytes of shared memory of a block, dynamic or not */
int launch_bound(const void *kernel);            /* threads of a block by its __launch_bounds__; the device's limit where it has none */

/* ---- async.cpp: copies into shared memory ---- */
void async_begin();
void async_thread_done(int thread);

/* ---- report.cpp ---- */
/* A fault of the thread that runs: one line, then the launch is over. */
[[noreturn]] __attribute__((format(printf, 3, 4))) void fault(cudaError_t why, site at, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void fault_of_block(cudaError_t why, const char *fmt, ...);   /* of no thread in particular */
__attribute__((format(printf, 1, 2))) void report(const char *fmt, ...);
void report_forget();
const char *thread_name(int thread);             /* "thread 37 (warp 1, lane 5)" */

/* ---- memory.cpp: device and pinned memory ---- */
struct piece {                                   /* one allocation */
    char *at, *map;
    size_t bytes, mapped;
    bool pinned;
};
void *memory_alloc(size_t bytes, bool pinned);   /* NULL: none is left */
bool memory_free(void *p, bool pinned);
const piece *memory_find(const void *p);         /* the allocation that holds p, or ends less than a page before it; NULL: none */
bool memory_holds(const void *p, size_t n, bool pinned); /* all n bytes lie in one allocation */
bool memory_is_device(const void *p);            /* inside the range that device pointers come from */
void memory_open(bool open);                     /* device memory is there only while something of the device runs; these nest */
size_t memory_left();
const char *memory_name(const void *p);          /* "byte 12 of an allocation of 64 bytes" */
void memory_reset();
extern char *device_base;
extern size_t device_room;

/* ---- shadow.cpp: the checker; does nothing where kernels are not compiled for it ---- */
void shadow_launch();                            /* a launch begins */
void shadow_state(const void *p, size_t n, int state);    /* of shared memory, or of device memory that something was copied to */
void shadow_forget(char *pages, size_t n);       /* device memory was freed */
enum { SHADOW_NONE, SHADOW_UNSET, SHADOW_SET, SHADOW_COMING };
void shadow_copy(const void *to, const void *from, size_t n);
void shadow_land(const void *p, size_t n, site at);      /* an asynchronous copy does, in the thread that began it */

/* ---- counts.cpp, lines.cpp ---- */
void counts_launch(const sim_call *call);
void counts_flush(int warp);
void counts_block_done();
cudasim_counts *counts_now();
void count_access(const void *p, size_t n, enum sim_access how, const void *code);
site line_of(const void *pc);

#endif
