/* async.cpp - copies into shared memory that are on their way: they land as late as they may, when the thread that began them waits. Until
 * then the place holds the fill byte, so that whoever reads it too early computes with NaN, and is reported by the checker. */
#include "sim.h"

#include <string.h>
#include <vector>

struct copy {
    void *to;
    const void *from;
    size_t n;
    int group;
    site at;
};
static std::vector<copy> pending[MAX_THREADS];
static bool used;                                /* by this block */
static int group_of[MAX_THREADS];                /* the group that the next copy belongs to */

void async_begin()
{
    if (!used)
        return;
    used = false;
    for (int i = 0; i < MAX_THREADS; i++) {
        pending[i].clear();
        group_of[i] = 0;
    }
}

void sim_cp_async(void *shared, const void *global, size_t n, const char *file, int line)
{
    const site at = { file, line };
    if (!shared_holds(shared))
        fault(cudaErrorIllegalAddress, at, "cp.async to %p, which is not shared memory", shared);
    if (!memory_is_device(global))
        fault(cudaErrorIllegalAddress, at, "cp.async from %p, which is not device memory", global);
    sim_touch(global, n, n, SIM_READ, file, line);
    sim_touch(shared, n, n, SIM_WRITE, file, line);
    memset(shared, cudasim()->fill, n);
    shadow_state(shared, n, SHADOW_COMING);
    used = true;
    pending[B.current].push_back(copy{ shared, global, n, group_of[B.current], at });
}

void sim_cp_commit()
{
    used = true;
    group_of[B.current]++;
}

void sim_cp_wait(int n)
{
    std::vector<copy> &mine = pending[B.current];
    size_t landed = 0;
    while (landed < mine.size() && mine[landed].group < group_of[B.current] - n) {
        const copy &c = mine[landed++];
        memcpy(c.to, c.from, c.n);
        shadow_land(c.to, c.n, c.at);
    }
    mine.erase(mine.begin(), mine.begin() + static_cast<long>(landed));
}

void async_thread_done(int thread)
{
    if (!pending[thread].empty())
        fault(cudaErrorLaunchFailure, site_none, "the thread ends while %zu asynchronous copies of it are on their way",
              pending[thread].size());
}
