/* counts.cpp - what kernels do, counted: launches, threads, matrix products, barriers; and where kernels are compiled for the checker,
 * bytes of device memory and 32-byte sectors. A warp's access is what its lanes do at one place of the code for the k-th time since they
 * last met; its sectors are what a GPU fetches for it, 4 bytes a lane side by side make 4 of them. */
#include "sim.h"

#include <algorithm>
#include <map>
#include <stdlib.h>
#include <string>
#include <string.h>
#include <vector>

static std::map<std::string, cudasim_counts> kernels;
static cudasim_counts *now;                      /* of the kernel that runs */

struct touch_of_lane {
    const void *code;
    uint32_t ordinal;
    bool write;
    uintptr_t first, last;                       /* sectors */
    size_t bytes;
    bool operator<(const touch_of_lane &o) const
    {
        return code != o.code ? code < o.code : ordinal != o.ordinal ? ordinal < o.ordinal : first < o.first;
    }
};
static std::vector<touch_of_lane> trace[MAX_WARPS];
static std::map<const void *, uint32_t> seen[MAX_THREADS];

cudasim_counts *counts_now() { return now; }

void counts_launch(const sim_call *call)
{
    now = &kernels[call->kernel];
    now->launches++;
    now->blocks += static_cast<long>(call->grid.x) * call->grid.y * call->grid.z;
    now->threads += static_cast<long>(call->grid.x) * call->grid.y * call->grid.z * B.n;
}

void count_access(const void *p, size_t n, enum sim_access how, const void *code)
{
    if (!memory_is_device(p))
        return;
    uintptr_t at = reinterpret_cast<uintptr_t>(p);
    (how == SIM_READ ? now->bytes_read : now->bytes_written) += static_cast<long>(n);
    trace[B.current / WARP].push_back(
        touch_of_lane{ code, seen[B.current][code]++, how != SIM_READ, at / 32, (at + n - 1) / 32, n });
}

/* The lanes of a warp met, or the block is over: what they did since then belongs together. */
void counts_flush(int warp)
{
    std::vector<touch_of_lane> &t = trace[warp];
    if (t.empty())
        return;
    std::sort(t.begin(), t.end());
    for (size_t i = 0; i < t.size();) {
        long sectors = 0;
        uintptr_t next = 0;
        size_t j = i;
        for (; j < t.size() && t[j].code == t[i].code && t[j].ordinal == t[i].ordinal; j++) {
            uintptr_t first = t[j].first < next ? next : t[j].first;
            if (t[j].last >= first)
                sectors += static_cast<long>(t[j].last - first + 1), next = t[j].last + 1;
        }
        (t[i].write ? now->sectors_written : now->sectors_read) += sectors;
        now->requests++;
        i = j;
    }
    t.clear();
    for (int lane = warp * WARP; lane < (warp + 1) * WARP; lane++)
        seen[lane].clear();
}

void counts_block_done()
{
    for (int w = 0; w < B.n_warps; w++)
        counts_flush(w);
}

int cudasim_kernels(struct cudasim_counts *out, int room)
{
    int n = 0;
    for (auto &k : kernels) {
        if (n < room) {
            out[n] = k.second;
            out[n].kernel = k.first.c_str();
        }
        n++;
    }
    return n;
}

void cudasim_print_counts(FILE *to)
{
    fprintf(to, "%-32s %8s %9s %11s %12s %12s %9s %9s %9s\n", "kernel", "launches", "blocks", "threads", "bytes read", "written", "sectors",
            "of ideal", "products");
    for (auto &k : kernels) {
        const cudasim_counts &c = k.second;
        const long sectors = c.sectors_read + c.sectors_written, ideal = (c.bytes_read + c.bytes_written) / 32;
        fprintf(to, "%-32s %8ld %9ld %11ld %12ld %12ld %9ld %8.2f %9ld\n", k.first.c_str(), c.launches, c.blocks, c.threads, c.bytes_read,
                c.bytes_written, sectors, ideal ? static_cast<double>(sectors) / static_cast<double>(ideal) : 0, c.products);
    }
}
