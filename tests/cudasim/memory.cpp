/* memory.cpp - device memory and pinned memory. Device pointers come from one range of addresses; nobody can read there but what runs "on
 * the device": kernels and copies. An allocation ends at a page that nobody may touch. Memory that nobody wrote holds the fill byte. */
#include "sim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define __asan_poison_memory_region(p, n) (void)0
#define __asan_unpoison_memory_region(p, n) (void)0
#endif

enum { PAGE = 4096, ALIGN = 256, FILL = 16 << 20 };

char *device_base;
size_t device_room;
static size_t device_next, in_use;               /* the first page never handed out; bytes of device memory */
static std::vector<piece> pieces;
static int opened;

/* ---- faults ---- */

static void on_fault(int sig, siginfo_t *info, void *)
{
    const char *p = static_cast<const char *>(info->si_addr);
    if (grid_running())
        fault(cudaErrorIllegalAddress, site_none, "memory at %p cannot be touched: %s", static_cast<const void *>(p),
              memory_is_device(p) ? memory_name(p) : fiber_holds(p) ? "the thread's stack is full" : "it is not the device's");
    if (memory_is_device(p))
        report("the host touches device memory: %s", memory_name(p));
    signal(sig, SIG_DFL);                        /* again, and this time for good */
}

/* A fault leaves the handler by switching stacks: the signal stays open, and the handler has a stack of its own. */
static void watch_faults()
{
    static char stack[64 << 10];
    stack_t own = {};
    struct sigaction a = {};
    own.ss_sp = stack, own.ss_size = sizeof stack;
    a.sa_sigaction = on_fault;
    a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaltstack(&own, nullptr);
    sigaction(SIGSEGV, &a, nullptr);
    sigaction(SIGBUS, &a, nullptr);
}

/* ---- pages ---- */

static void reserve()
{
    if (device_base)
        return;
    device_room = cudasim()->device_bytes * 2 + (size_t{ 1 } << 30);
    void *p = mmap(nullptr, device_room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("cudasim: no room for device memory");
        abort();
    }
    device_base = static_cast<char *>(p);
    watch_faults();
}

/* Map one file of fill bytes over and over: memory that is only read needs no pages of its own. */
static bool fill_pages(char *at, size_t bytes)
{
    static int file = -1;
    static int holds = -1;
    if (file < 0 || holds != cudasim()->fill) {
        if (file >= 0)
            close(file);
        file = memfd_create("cudasim", 0);
        if (file < 0 || ftruncate(file, FILL))
            return false;
        char *p = static_cast<char *>(mmap(nullptr, FILL, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
        if (p == MAP_FAILED)
            return false;
        memset(p, holds = cudasim()->fill, FILL);
        munmap(p, FILL);
    }
    for (size_t i = 0; i < bytes; i += FILL) {
        size_t n = bytes - i < size_t{ FILL } ? bytes - i : size_t{ FILL };
        if (mmap(at + i, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, 0) == MAP_FAILED)
            return false;
    }
    return true;
}

static char *device_pages(size_t bytes)
{
    reserve();
    if (device_next + bytes + PAGE > device_room)
        return nullptr;
    char *at = device_base + device_next;
    device_next += bytes + PAGE;
    return at;
}

static char *pinned_pages(size_t bytes)
{
    void *p = mmap(nullptr, bytes + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? nullptr : static_cast<char *>(p);
}

/* ---- allocations ---- */

size_t memory_left() { return cudasim()->device_bytes - in_use; }

void *memory_alloc(size_t bytes, bool pinned)
{
    const size_t rounded = (bytes + ALIGN - 1) / ALIGN * ALIGN, mapped = (rounded + PAGE - 1) / PAGE * PAGE;
    if (bytes > size_t{ 1 } << 46 || (!pinned && mapped > memory_left()))
        return nullptr;
    char *map = pinned ? pinned_pages(mapped) : device_pages(mapped);
    if (!map || !fill_pages(map, mapped))
        return nullptr;
    piece p = { map + mapped - rounded, map, bytes, mapped, pinned };
    pieces.push_back(p);
    if (!pinned) {
        in_use += mapped;
        __asan_poison_memory_region(p.at + bytes, rounded - bytes);
        if (!opened && !cudasim()->unguarded)
            mprotect(map, mapped, PROT_NONE);
    }
    return p.at;
}

bool memory_free(void *p, bool pinned)
{
    for (size_t i = 0; i < pieces.size(); i++) {
        piece q = pieces[i];
        if (q.at != p || q.pinned != pinned)
            continue;
        pieces.erase(pieces.begin() + static_cast<long>(i));
        __asan_unpoison_memory_region(q.map, q.mapped);
        if (pinned) {
            munmap(q.map, q.mapped + PAGE);
            return true;
        }
        in_use -= q.mapped;
        shadow_forget(q.map, q.mapped);
        /* The addresses are not handed out again: whoever still uses them is caught. */
        mmap(q.map, q.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
        return true;
    }
    return false;
}

const piece *memory_find(const void *p)
{
    const char *c = static_cast<const char *>(p);
    for (const piece &q : pieces)
        if (c >= q.map && c < q.map + q.mapped + PAGE)
            return &q;
    return nullptr;
}

bool memory_holds(const void *p, size_t n, bool pinned)
{
    const piece *q = memory_find(p);
    const char *c = static_cast<const char *>(p);
    return q && q->pinned == pinned && c >= q->at && c + n <= q->at + q->bytes;
}

bool memory_is_device(const void *p)
{
    const char *c = static_cast<const char *>(p);
    return device_base && c >= device_base && c < device_base + device_room;
}

const char *memory_name(const void *p)
{
    static char text[160];
    const piece *q = memory_find(p);
    if (!q)
        return "no allocation is there";
    snprintf(text, sizeof text, "byte %ld of an allocation of %zu bytes", static_cast<long>(static_cast<const char *>(p) - q->at),
             q->bytes);
    return text;
}

void memory_open(bool open)
{
    opened += open ? 1 : -1;
    if (opened != (open ? 1 : 0) || cudasim()->unguarded)
        return;
    for (const piece &q : pieces)
        if (!q.pinned)
            mprotect(q.map, q.mapped, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void memory_reset()
{
    while (!pieces.empty())
        memory_free(pieces.back().at, pieces.back().pinned);
    opened = 0;
}
