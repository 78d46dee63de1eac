/* shared.cpp - the shared memory of the block that runs: arrays as the kernel meets them, with zones between them that nobody may touch. */
#include "sim.h"

#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define ZONE_CLOSE(p, n) __asan_poison_memory_region(p, n)
#define ZONE_OPEN(p, n) __asan_unpoison_memory_region(p, n)
#else
#define ZONE_CLOSE(p, n) (void)0
#define ZONE_OPEN(p, n) (void)0
#endif

enum { MAX_ARRAYS = 64, ZONE_BYTE = 0xe5 };
struct array {
    const char *site, *name;
    size_t at, bytes;
};
static array arrays[MAX_ARRAYS];
static int n_arrays;
static size_t used;                              /* bytes of shared memory that the block would use */
alignas(4096) static char arena[SHARED_ARENA];
char *sim_shared_base = arena;
size_t shared_used;

/* An array of 'bytes' behind what is there, and a zone behind it. */
static array *append(const char *site, const char *name, size_t bytes, size_t align)
{
    size_t at = (shared_used + align - 1) / align * align;
    if (n_arrays == MAX_ARRAYS || at + bytes + REDZONE > sizeof arena)
        fault(cudaErrorInvalidConfiguration, site_none, "more shared memory than any device has: %zu bytes for %s", bytes, name);
    array *a = &arrays[n_arrays++];
    *a = array{ site, name, at, bytes };
    ZONE_OPEN(arena + shared_used, at + bytes + REDZONE - shared_used);
    memset(arena + shared_used, ZONE_BYTE, at - shared_used);
    memset(arena + at, cudasim()->fill, bytes);
    memset(arena + at + bytes, ZONE_BYTE, REDZONE);
    shadow_state(arena + shared_used, at - shared_used, SHADOW_NONE);
    shadow_state(arena + at, bytes, SHADOW_UNSET);
    shadow_state(arena + at + bytes, REDZONE, SHADOW_NONE);
    ZONE_CLOSE(arena + at + bytes, REDZONE);
    shared_used = at + bytes + REDZONE;
    used += bytes;
    return a;
}

void shared_begin(size_t dyn_bytes)
{
    n_arrays = 0;
    used = shared_used = 0;
    append(nullptr, "dynamic shared memory", dyn_bytes, 128);
}

void *sim_dyn_shared() { return arena + arrays[0].at; }

void *sim_shared(const char *site, const char *name, size_t bytes, size_t align)
{
    for (int i = 1; i < n_arrays; i++)
        if (arrays[i].site == site)
            return arena + arrays[i].at;
    array *a = append(site, name, bytes, align < 16 ? 16 : align);
    if (used > shared_most(B.call))
        fault(cudaErrorLaunchOutOfResources, site_none, "shared memory of %zu bytes, %zu of them dynamic, where %zu may be", used,
              arrays[0].bytes, shared_most(B.call));
    if (used - arrays[0].bytes > 48 << 10)
        fault(cudaErrorInvalidConfiguration, site_none, "static shared memory of %zu bytes, where 49152 may be; the last array is %s",
              used - arrays[0].bytes, name);
    return arena + a->at;
}

void shared_end()
{
    for (int i = 0; i < n_arrays; i++) {
        size_t end = arrays[i].at + arrays[i].bytes;
        ZONE_OPEN(arena + end, REDZONE);
        for (size_t j = 0; j < REDZONE; j++)
            if (static_cast<unsigned char>(arena[end + j]) != ZONE_BYTE)
                fault_of_block(cudaErrorIllegalAddress, "shared memory was written %zu bytes past the end of %s (%zu bytes)", j,
                               arrays[i].name, arrays[i].bytes);
    }
}

bool shared_holds(const void *p)
{
    const char *c = static_cast<const char *>(p);
    return c >= arena && c < arena + sizeof arena;
}

const char *shared_name(const void *p)
{
    static char text[160];
    long at = static_cast<const char *>(p) - arena;
    snprintf(text, sizeof text, "shared memory");
    for (int i = 0; i < n_arrays; i++)
        if (at >= static_cast<long>(arrays[i].at) - 64 && at < static_cast<long>(arrays[i].at + arrays[i].bytes + REDZONE))
            snprintf(text, sizeof text, "byte %ld of %s (%zu bytes)", at - static_cast<long>(arrays[i].at), arrays[i].name,
                     arrays[i].bytes);
    return text;
}
