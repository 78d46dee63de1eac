/* decode.c - tokens per second of the forward pass on a model file, measured as llama-batched-bench measures.
 *
 *   decode MODEL.gguf SEQUENCES CONTEXT NEW [THREADS]
 *
 * NEW 0: all SEQUENCES prompts of CONTEXT tokens, in steps of 256 rows as the engine lays them out; prints prompt tokens per second.
 * Else: one prompt is computed and its pages copied to every sequence (each has memory of its own), then NEW steps of one row per sequence,
 * greedy sampling included; prints new tokens per second. The first step of either is not timed. MTBENCH_ISA picks the kernels. */
#include "mtbench/executor.h"
#include "mtbench/clock.h"
#include "mtbench/mem.h"
#include "mtbench/model.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 256, MAX_THREADS = 256 };

struct scene {
    struct model *m;
    struct forward *forward;
    struct kv_view kv;
    size_t page_bytes;
    int n_seq, context, pages_per_seq;
    int32_t *page;                        /* (n_seq, pages_per_seq) */
    int32_t token[MAX_ROWS], out_row[MAX_ROWS];
    struct seq_run run[MAX_ROWS];
    struct sampling how[MAX_ROWS];
};

static _Noreturn void fail(const struct err *e)
{
    fprintf(stderr, "decode: %s\n", e->text);
    exit(1);
}

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
        fail(&e);
    return be;
}

static void open_scene(struct scene *s, const char *path, int n_new, int threads)
{
    struct err e;
    struct source *files = source_files_open(&path, 1, &e);
    if (!files || !(s->m = model_open(files, executor_cpu.ops, NULL, &e)))
        fail(&e);
    struct model *m = s->m;
    m->be = open_backend(m, threads);
    void *packed = executor_cpu.ops->alloc(m->be, m->packed_bytes, &e);
    if (!packed)
        fail(&e);
    model_attach(m, packed);
    s->pages_per_seq = (s->context + n_new + KV_PAGE) / KV_PAGE;
    if (model_load(&m, 1, files, &e) < 0 || model_rope(m, s->pages_per_seq * KV_PAGE, &e) < 0 ||
        !(s->forward = forward_create(m, &comm_self, MAX_ROWS, MAX_ROWS, &e)))
        fail(&e);
    source_files_close(files);
    s->kv = (struct kv_view){ NULL, m->config.n_layers, m->config.n_kv, m->config.head_dim };
    s->page_bytes = executor_cpu.ops->kv_page_bytes(s->kv.n_layers, s->kv.n_kv, s->kv.head_dim);
    const int n_pages = s->n_seq * s->pages_per_seq;
    if (!(s->kv.base = executor_cpu.ops->alloc(m->be, s->page_bytes * (size_t)n_pages, &e)))
        fail(&e);
    s->page = xcalloc((size_t)n_pages, sizeof *s->page);
    for (int i = 0; i < n_pages; i++)
        s->page[i] = i;
    for (int i = 0; i < MAX_ROWS; i++)
        s->how[i] = (struct sampling){ .top_p = 1.0f, .repetition_penalty = 1.0f };
}

static int32_t some_token(const struct scene *s, int seq, int pos)
{
    return (int32_t)(((uint32_t)seq * 7919u + (uint32_t)pos * 2654435761u) % (uint32_t)s->m->config.n_vocab);
}

static void compute(struct scene *s, struct step *st, int n_out)
{
    int32_t drawn[MAX_ROWS];
    struct err e;
    st->n_out = n_out;
    st->out_row = s->out_row;
    st->how = s->how;
    forward_step(s->forward, &s->kv, st);
    if (forward_draw(s->forward, st, drawn, &e) < 0)
        fprintf(stderr, "decode: %s\n", e.text), exit(1);
}

/* Prompts of 'n' sequences, up to MAX_ROWS rows a step; a step may end one prompt and begin the next. */
static void prefill(struct scene *s, int n)
{
    for (int seq = 0, pos = 0; seq < n;) {
        struct step st = { .token = s->token, .run = s->run };
        int n_out = 0;
        while (seq < n && st.n_rows < MAX_ROWS) {
            const int left = MAX_ROWS - st.n_rows, rows = s->context - pos < left ? s->context - pos : left;
            for (int i = 0; i < rows; i++)
                s->token[st.n_rows + i] = some_token(s, seq, pos + i);
            s->run[st.n_runs++] = (struct seq_run){ st.n_rows, rows, pos, s->page + seq * s->pages_per_seq };
            st.n_rows += rows;
            pos += rows;
            if (pos == s->context) {
                s->out_row[n_out++] = st.n_rows - 1;
                seq++;
                pos = 0;
            }
        }
        compute(s, &st, n_out);
    }
}

static void decode_step(struct scene *s, int pos)
{
    for (int i = 0; i < s->n_seq; i++) {
        s->token[i] = some_token(s, i, pos);
        s->out_row[i] = i;
        s->run[i] = (struct seq_run){ i, 1, pos, s->page + i * s->pages_per_seq };
    }
    compute(s, &(struct step){ .n_rows = s->n_seq, .token = s->token, .n_runs = s->n_seq, .run = s->run }, s->n_seq);
}

static void measure_prompts(struct scene *s)
{
    prefill(s, 1);
    const double start = clock_now();
    prefill(s, s->n_seq);
    printf("%.1f\n", s->n_seq * s->context / (clock_now() - start));
}

static void measure_decode(struct scene *s, int n_new)
{
    prefill(s, 1);
    const size_t bytes = s->page_bytes * (size_t)s->pages_per_seq;
    for (int i = 1; i < s->n_seq; i++)
        memcpy((char *)s->kv.base + (size_t)i * bytes, s->kv.base, bytes);
    decode_step(s, s->context);
    const double start = clock_now();
    for (int i = 0; i < n_new; i++)
        decode_step(s, s->context + i);
    printf("%.1f\n", s->n_seq * n_new / (clock_now() - start));
}

int main(int argc, char **argv)
{
    static struct scene s;
    const int n_new = argc > 4 ? atoi(argv[4]) : -1;
    s.n_seq = argc > 4 ? atoi(argv[2]) : 0;
    s.context = argc > 4 ? atoi(argv[3]) : 0;
    if (s.n_seq < 1 || s.n_seq > MAX_ROWS || s.context < 1 || n_new < 0) {
        fprintf(stderr, "usage: decode MODEL.gguf SEQUENCES CONTEXT NEW [THREADS]; at most %d sequences\n", MAX_ROWS);
        return 1;
    }
    open_scene(&s, argv[1], n_new, argc > 5 ? atoi(argv[5]) : 0);
    if (n_new == 0)
        measure_prompts(&s);
    else
        measure_decode(&s, n_new);
    return 0;
}
