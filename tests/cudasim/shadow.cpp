/* shadow.cpp - the checker. Kernels compiled with -fsanitize=thread tell of every access; the functions that they call are these, not the
 * sanitizer's. For each byte of device and of shared memory there is its state, who wrote it last and who read it: outside of arrays,
 * before it was written, and two threads of which one writes with no barrier between them, are reported. Order is what the CUDA manual
 * gives: barriers within a block, __syncwarp within a warp, the end of a launch; not shuffles, not luck. */
#include "sim.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool instrumented;                        /* some object of this program was compiled for the checker */
bool cudasim_checks() { return instrumented; }

/* ---- records ---- */

/* Who touched a byte: [28 block serial][10 thread][22 clock][2 several: 1 lanes of that warp, 2 warps][1 other blocks too][1 atomic] */
typedef uint64_t record;
enum { ATOMIC_BIT = 1, FOREIGN_BIT = 2, SEVERAL_LANES = 4, SEVERAL_WARPS = 8, SEVERAL = 12, CLOCK_BITS = 22, SERIAL_BITS = 28 };
static uint64_t launch_first;                    /* serial of the first block of this launch */

static uint64_t serial_of(record r) { return r >> 36; }
static int thread_of(record r) { return static_cast<int>(r >> 26 & 1023); }
static uint32_t clock_of(record r) { return static_cast<uint32_t>(r >> 4) & ((1u << CLOCK_BITS) - 1); }
static record mine() { return B.serial << 36 | static_cast<uint64_t>(B.current) << 26 | static_cast<uint64_t>(B.clock) << 4; }
static bool of_launch(record r) { return r && serial_of(r) >= launch_first; }

/* What is recorded comes before what this thread does next. */
static bool ordered(record r)
{
    if (!of_launch(r))
        return true;
    if (serial_of(r) != B.serial || r & FOREIGN_BIT)
        return false;
    if (thread_of(r) == B.current && !(r & SEVERAL))
        return true;
    if (clock_of(r) < B.barrier_clock)
        return true;
    return !(r & SEVERAL_WARPS) && thread_of(r) / WARP == B.current / WARP && clock_of(r) < B.warp_clock[B.current / WARP];
}

/* ---- regions ---- */

struct region {
    char *base;
    size_t size;
    uint8_t *state;
    record *write, *read;
};
static region device, shared;

static void *room(size_t bytes)
{
    void *p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("cudasim: no room for the checker's shadow");
        abort();
    }
    return p;
}

static void shadow_of(region *r, char *base, size_t size)
{
    if (r->base == base)
        return;
    r->base = base;
    r->size = size;
    r->state = static_cast<uint8_t *>(room(size));
    r->write = static_cast<record *>(room(size * sizeof(record)));
    r->read = static_cast<record *>(room(size * sizeof(record)));
}

static region *region_of(const void *p)
{
    const char *c = static_cast<const char *>(p);
    if (device.base && c >= device.base && c < device.base + device.size)
        return &device;
    return shared.base && c >= shared.base && c < shared.base + shared.size ? &shared : nullptr;
}

void shadow_state(const void *p, size_t n, int state)
{
    if (!instrumented || n == 0)
        return;
    if (device_base)
        shadow_of(&device, device_base, device_room);
    shadow_of(&shared, sim_shared_base, SHARED_ARENA);
    region *r = region_of(p);
    size_t at = static_cast<size_t>(static_cast<const char *>(p) - r->base);
    memset(r->state + at, state, n);
    if (r == &shared && state == SHADOW_UNSET) {
        memset(r->write + at, 0, n * sizeof(record));
        memset(r->read + at, 0, n * sizeof(record));
    }
}

void shadow_forget(char *pages, size_t n)
{
    if (instrumented && device.base)
        madvise(device.state + (pages - device.base), n, MADV_DONTNEED);
}

/* Device memory that is not marked was never written, if it is allocated at all: an allocation marks nothing, it may be large. */
static int state_of(const region *r, size_t i)
{
    if (i >= r->size)
        return SHADOW_NONE;
    if (r->state[i] == SHADOW_NONE && r == &device && memory_holds(r->base + i, 1, false))
        return SHADOW_UNSET;
    return r->state[i];
}

void shadow_copy(const void *to, const void *from, size_t n)
{
    if (!instrumented || !device.base)
        return;
    const char *t = static_cast<const char *>(to), *f = static_cast<const char *>(from);
    memmove(device.state + (t - device.base), device.state + (f - device.base), n);
}

void shadow_launch()
{
    launch_first = B.serial + 1;
    if (instrumented && launch_first >> SERIAL_BITS) {
        fprintf(stderr, "cudasim: more blocks than the checker can tell apart\n");
        abort();
    }
}

/* ---- what is wrong ---- */

/* An access where it happened: by its file and line, or by the address of its code. */
struct access {
    const void *p;
    size_t n;
    enum sim_access how;
    site at;
    const void *pc;
};

static site find_line(const access &a) { return a.at.file ? a.at : line_of(a.pc); }

static const char *place(const void *p) { return shared_holds(p) ? shared_name(p) : memory_name(p); }
static const char *verb(enum sim_access how) { return how == SIM_READ ? "reads" : how == SIM_WRITE ? "writes" : "changes"; }

[[noreturn]] static void bad_state(const access &a, const char *p, int state)
{
    site at = find_line(a);
    switch (state) {
    case SHADOW_NONE: fault(cudaErrorIllegalAddress, at, "%s outside of what is allocated: %s", verb(a.how), place(p));
    case SHADOW_COMING:
        fault(cudaErrorLaunchFailure, at, "%s %s, where an asynchronous copy has not landed", verb(a.how), place(p));
    default: fault(cudaErrorLaunchFailure, at, "reads %s, which nobody wrote", place(p));
    }
}

[[noreturn]] static void race(const access &a, const char *p, record other, const char *did)
{
    site at = find_line(a);
    if (serial_of(other) != B.serial || other & FOREIGN_BIT)
        fault(cudaErrorLaunchFailure, at, "race: %s %s, which another block of this launch %s", verb(a.how), place(p), did);
    fault(cudaErrorLaunchFailure, at, "race: %s %s, which %s %s with no barrier between them", verb(a.how), place(p),
          thread_name(thread_of(other)), did);
}

/* ---- accesses ---- */

static void remember_read(record *slot)
{
    const record old = *slot, me = mine();
    record keep = 0;
    if (of_launch(old) && (serial_of(old) != B.serial || old & FOREIGN_BIT))
        keep = FOREIGN_BIT;
    if (!of_launch(old) || serial_of(old) != B.serial || ordered(old & ~static_cast<record>(FOREIGN_BIT))) {
        *slot = me | keep;
        return;
    }
    record several = thread_of(old) / WARP == B.current / WARP ? SEVERAL_LANES : SEVERAL_WARPS;
    if (thread_of(old) == B.current)
        several = 0;
    record whole = (old & SEVERAL) | several;
    *slot = (me & ~(static_cast<record>(1023) << 26)) | static_cast<record>(thread_of(old)) << 26 | whole | keep;
}

/* One byte against what is known of it. */
static void examine(const access &a, const region *r, size_t i, int state)
{
    const char *p = r->base + i;
    const record w = r->write[i];
    if (state == SHADOW_NONE || state == SHADOW_COMING || (state == SHADOW_UNSET && a.how != SIM_WRITE))
        bad_state(a, p, state);
    if (!ordered(w) && !(a.how == SIM_ATOMIC && w & ATOMIC_BIT))
        race(a, p, w, w & ATOMIC_BIT ? "changes" : "writes");
    if (a.how != SIM_READ && !ordered(r->read[i]))
        race(a, p, r->read[i], "reads");
}

static void look(region *r, const access &a)
{
    const size_t at = static_cast<size_t>(static_cast<const char *>(a.p) - r->base);
    const record me = mine() | (a.how == SIM_ATOMIC ? static_cast<record>(ATOMIC_BIT) : 0);
    record wrote = 0, read = 0, now_read = 0;    /* of the byte before: most accesses find all their bytes alike */
    int was = -1;
    for (size_t i = at; i < at + a.n; i++) {
        const int state = state_of(r, i);
        if (state != was || r->write[i] != wrote || r->read[i] != read) {
            examine(a, r, i, state);
            was = state, wrote = r->write[i], now_read = read = r->read[i];
            if (a.how == SIM_READ)
                remember_read(&now_read);
        }
        if (a.how == SIM_READ) {
            r->read[i] = now_read;
        } else {
            r->write[i] = me;
            r->state[i] = SHADOW_SET;
        }
    }
}

/* Constants of the program lie in what is mapped without leave to write. */
static int is_constant(struct dl_phdr_info *info, size_t, void *data)
{
    const uintptr_t p = reinterpret_cast<uintptr_t>(*static_cast<const void **>(data));
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const auto &h = info->dlpi_phdr[i];
        const bool readable = (h.p_type == PT_LOAD && !(h.p_flags & PF_W)) || h.p_type == PT_GNU_RELRO;
        if (readable && p >= info->dlpi_addr + h.p_vaddr && p < info->dlpi_addr + h.p_vaddr + h.p_memsz)
            return 1;
    }
    return 0;
}

static bool in_object(const void *p, const void *object, size_t bytes)
{
    const char *c = static_cast<const char *>(p), *o = static_cast<const char *>(object);
    return c >= o && c < o + bytes;
}

/* Memory that is neither the device's nor shared: the thread's own stack, arguments, constants; else the host's. */
static void look_elsewhere(const access &a)
{
    if (fiber_owns(B.t[B.current].f, a.p))
        return;
    if (fiber_holds(a.p))
        fault(cudaErrorIllegalAddress, find_line(a), "%s a variable of another thread", verb(a.how));
    if (in_object(a.p, &threadIdx, sizeof threadIdx) || in_object(a.p, &blockIdx, sizeof blockIdx) ||
        in_object(a.p, &blockDim, sizeof blockDim) || in_object(a.p, &gridDim, sizeof gridDim) || in_object(a.p, B.call, B.call->bytes))
        return;
    const void *p = a.p;
    if (a.how == SIM_READ && dl_iterate_phdr(is_constant, &p))
        return;
    fault(cudaErrorIllegalAddress, find_line(a), "%s host memory at %p", verb(a.how), a.p);
}

static void touch(const access &a)
{
    if (!grid_running())
        return;
    if (++B.steps > cudasim()->patience)
        fault(cudaErrorLaunchTimeout, find_line(a), "%ld accesses without meeting another thread: it waits for what cannot come", B.steps);
    if (cudasim()->counts)
        count_access(a.p, a.n, a.how, a.at.file ? static_cast<const void *>(a.at.file + a.at.line) : a.pc);
    region *r = region_of(a.p);
    if (r)
        look(r, a);
    else
        look_elsewhere(a);
}

void shadow_land(const void *p, size_t n, site at)
{
    if (!instrumented)
        return;
    shadow_state(p, n, SHADOW_SET);
    touch(access{ p, n, SIM_WRITE, at, nullptr });
}

void sim_touch(const void *p, size_t n, size_t align, enum sim_access how, const char *file, int line)
{
    if (reinterpret_cast<uintptr_t>(p) % align)
        fault(cudaErrorMisalignedAddress, site{ file, line }, "%s %zu bytes at %p, which is not a multiple of %zu", verb(how), n, p, align);
    if (instrumented)
        touch(access{ p, n, how, site{ file, line }, nullptr });
}

void sim_constant(const void *p, size_t n, const char *file, int line)
{
    const region *r = instrumented ? region_of(p) : nullptr;
    for (size_t i = r ? static_cast<size_t>(static_cast<const char *>(p) - r->base) : 0; r == &device && n-- > 0; i++)
        if (i < r->size && of_launch(r->write[i]))
            fault(cudaErrorLaunchFailure, site{ file, line }, "k_load128 reads %s, which this launch wrote: it may get what was there before",
                  place(p));
}

/* ---- what the compiler calls ---- */

#ifndef __SANITIZE_ADDRESS__
extern "C" {
#define PC __builtin_return_address(0)
#define CALLBACK(name, bytes)                                                                                                            \
    void __tsan_read##name(void *p) { touch(access{ p, bytes, SIM_READ, site_none, PC }); }                                              \
    void __tsan_write##name(void *p) { touch(access{ p, bytes, SIM_WRITE, site_none, PC }); }
CALLBACK(1, 1)
CALLBACK(2, 2)
CALLBACK(4, 4)
CALLBACK(8, 8)
CALLBACK(16, 16)
#undef CALLBACK
#define CALLBACK(name, bytes)                                                                                                            \
    void __tsan_unaligned_read##name(void *p) { touch(access{ p, bytes, SIM_READ, site_none, PC }); }                                    \
    void __tsan_unaligned_write##name(void *p) { touch(access{ p, bytes, SIM_WRITE, site_none, PC }); }
CALLBACK(2, 2)
CALLBACK(4, 4)
CALLBACK(8, 8)
CALLBACK(16, 16)
#undef CALLBACK
void __tsan_read_range(void *p, long n) { touch(access{ p, static_cast<size_t>(n), SIM_READ, site_none, PC }); }
void __tsan_write_range(void *p, long n) { touch(access{ p, static_cast<size_t>(n), SIM_WRITE, site_none, PC }); }
void __tsan_init() { instrumented = true; }
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void **, void *) {}

/* What -fsanitize=alignment,bounds calls, with what it knows first. */
struct where {
    const char *file;
    uint32_t line, column;
};
[[noreturn]] static void undefined(const where *w, const char *what)
{
    if (grid_running())
        fault(cudaErrorMisalignedAddress, site{ w->file, static_cast<int>(w->line) }, "%s", what);
    fprintf(stderr, "%s:%u: %s\n", w->file, w->line, what);
    abort();
}
void __ubsan_handle_type_mismatch_v1(where *w, void *) { undefined(w, "a misaligned pointer"); }
void __ubsan_handle_out_of_bounds(where *w, void *) { undefined(w, "an index outside of its array"); }
}
#endif
