/* bounds.cpp - __launch_bounds__, which g++ does not keep with a function: simt_cpu.h has the compiler put as many empty instructions before
 * the kernel, and the place where they begin into a table of the program. Elsewhere than on x86-64 nothing is known of bounds. */
#include "sim.h"

extern "C" {
extern const uintptr_t __start___patchable_function_entries[] __attribute__((weak));
extern const uintptr_t __stop___patchable_function_entries[] __attribute__((weak));
}

/* Whatever lies there instead is another function, and its end. */
static bool all_empty(uintptr_t from, uintptr_t to)
{
    enum { NOP = 0x90 };
    for (uintptr_t p = from; p < to; p++)
        if (*reinterpret_cast<const unsigned char *>(p) != NOP)
            return false;
    return true;
}

int launch_bound(const void *kernel)
{
#ifdef __x86_64__
    const uintptr_t at = reinterpret_cast<uintptr_t>(kernel);
    for (const uintptr_t *p = __start___patchable_function_entries; p != __stop___patchable_function_entries; p++)
        if (*p < at && at - *p <= MAX_THREADS && all_empty(*p, at))
            return static_cast<int>(at - *p);
#else
    (void)kernel, (void)all_empty;
#endif
    return MAX_THREADS;
}
