/* shadow.cpp - looks at accesses of kernels. */
#include "sim.h"

bool cudasim_checks() { return false; }
void shadow_launch() {}
void shadow_state(const void *, size_t, int) {}
void shadow_copy(const void *, const void *, size_t) {}
void shadow_touch(const void *, size_t, enum sim_access, site, const void *) {}

void sim_touch(const void *p, size_t n, size_t align, enum sim_access how, const char *file, int line)
{
    if (reinterpret_cast<uintptr_t>(p) % align)
        fault(cudaErrorMisalignedAddress, site{ file, line }, "%p is not a multiple of %zu", p, align);
    shadow_touch(p, n, how, site{ file, line }, nullptr);
}
