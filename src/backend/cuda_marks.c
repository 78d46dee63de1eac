/* cuda_marks.c - how far the GPU was when: an event for each mark, made when it is first needed and kept, for whoever counts (trace.c). */
#include "cuda.h"

#include "mtbench/mem.h"

#include <stdlib.h>

void cuda_mark(struct backend *be, int i)
{
    if (!cuda_enter(be))
        return;
    while (be->n_marks <= i) {
        be->mark = xrealloc(be->mark, (size_t)be->n_marks + 1, sizeof *be->mark);
        if (!cuda_good(be, (int)cudaEventCreateWithFlags(&be->mark[be->n_marks], cudaEventDefault), "cudaEventCreate"))
            return;
        be->n_marks++;
    }
    cuda_good(be, (int)cudaEventRecord(be->mark[i], be->stream), "cudaEventRecord");
}

double cuda_between(struct backend *be, int i)
{
    float ms = 0;
    if (i + 1 < be->n_marks && cuda_enter(be))
        cuda_good(be, (int)cudaEventElapsedTime(&ms, be->mark[i], be->mark[i + 1]), "cudaEventElapsedTime");
    return 1e-3 * (double)ms;
}

void cuda_marks_destroy(struct backend *be)
{
    for (int i = 0; i < be->n_marks; i++)
        cudaEventDestroy(be->mark[i]);
    free(be->mark);
}
