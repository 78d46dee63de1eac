/* decode.c - tokens per second of the forward pass on a model file, measured as llama-batched-bench measures.
 *
 *   decode MODEL.gguf SEQUENCES CONTEXT NEW [THREADS]
 *
 * NEW 0: all SEQUENCES prompts of CONTEXT tokens, in steps of 256 rows as the engine lays them out; prints prompt tokens per second.
 * Else: one prompt is computed and its pages copied to every sequence (each has memory of its own), then NEW steps of one row per sequence,
 * greedy sampling included; prints new tokens per second. The first step of either is not timed. MTBENCH_ISA picks the kernels. */
#include "scene.h"

#include "mtbench/clock.h"
#include "mtbench/executor.h"

#include <sched.h>

enum { MAX_ROWS = 256, MAX_THREADS = 256 };

static struct backend *open_backend(const struct model *m, int threads)
{
    const struct model_config *c = &m->config;
    const int heads = c->n_heads * c->head_dim, widest = c->ff > c->dim ? c->ff : c->dim;
    cpu_set_t set;
    static int cpu[MAX_THREADS];
    int n = 0;
    sched_getaffinity(0, sizeof set, &set);
    for (int i = 0; i < CPU_SETSIZE && n < MAX_THREADS; i++)
        if (CPU_ISSET((size_t)i, &set))
            cpu[n++] = i;
    struct err e;
    const struct executor_opts o = { .threads = threads > 0 && threads < n ? threads : n, .cpu = cpu, .max_rows = MAX_ROWS,
                                .max_k = widest > heads ? widest : heads };
    struct backend *be = executor_cpu.open(&o, &e);
    if (!be)
        scene_fail(&e);
    return be;
}

static struct model *load(const char *path, int threads)
{
    struct err e;
    struct model *m = NULL;
    struct source *files = source_files_open(&path, 1, &e);
    if (!files || !(m = model_open(files, executor_cpu.ops, NULL, &e)))
        scene_fail(&e);
    m->be = open_backend(m, threads);
    void *packed = executor_cpu.ops->alloc(m->be, m->packed_bytes, &e);
    if (!packed)
        scene_fail(&e);
    model_attach(m, packed);
    if (model_load(&m, 1, files, &e) < 0)
        scene_fail(&e);
    source_files_close(files);
    return m;
}

static void measure_prompts(struct scene *s)
{
    scene_prompts(s, 1);
    const double start = clock_now();
    scene_prompts(s, s->n_seq);
    printf("%.1f\n", s->n_seq * s->context / (clock_now() - start));
}

static void measure_decode(struct scene *s, int n_new)
{
    scene_fill(s);
    scene_decode(s, s->context);
    const double start = clock_now();
    for (int i = 0; i < n_new; i++)
        scene_decode(s, s->context + i);
    printf("%.1f\n", s->n_seq * n_new / (clock_now() - start));
}

int main(int argc, char **argv)
{
    struct err e;
    struct scene s = { .max_rows = MAX_ROWS };
    const int n_new = argc > 4 ? atoi(argv[4]) : -1, n_seq = argc > 4 ? atoi(argv[2]) : 0, context = argc > 4 ? atoi(argv[3]) : 0;
    if (n_seq < 1 || n_seq > MAX_ROWS || context < 1 || n_new < 0) {
        fprintf(stderr, "usage: decode MODEL.gguf SEQUENCES CONTEXT NEW [THREADS]; at most %d sequences\n", MAX_ROWS);
        return 1;
    }
    s.m = load(argv[1], argc > 5 ? atoi(argv[5]) : 0);
    if (scene_open(&s, context, n_seq, context + n_new + 1, &e) < 0)
        scene_fail(&e);
    if (n_new == 0)
        measure_prompts(&s);
    else
        measure_decode(&s, n_new);
    scene_close(&s);
    return 0;
}
