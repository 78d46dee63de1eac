/* cuda_step.c - a step on the GPU: its arrays go over in one copy when it begins, and its tokens come back when it ends, the one time
 * that the host waits. */
#include "cuda.h"

#include "mtbench/rng.h"

#include <string.h>

enum { ALIGN = 16, FIRST_BYTES = 1 << 20 };

/* The arrays of a step, one behind the other: where each begins. */
struct places {
    size_t token, row_run, run, page, out_row, draw, seen, end;
};

static size_t pages_of(const struct seq_run *r)
{
    return (size_t)(r->pos + r->n_rows + KV_PAGE - 1) / KV_PAGE;
}

static bool penalised(const struct sampling *how)
{
    return how->seen && how->repetition_penalty != 1.0f;
}

static size_t take(size_t *end, size_t n, size_t each)
{
    const size_t at = *end;
    *end = (at + n * each + ALIGN - 1) / ALIGN * ALIGN;
    return at;
}

static struct places lay_out(const struct step *s, size_t seen_words)
{
    struct places p = {0};
    size_t pages = 0, seen = 0;
    for (int i = 0; i < s->n_runs; i++)
        pages += pages_of(&s->run[i]);
    for (int i = 0; i < s->n_out; i++)
        seen += penalised(&s->how[i]) ? seen_words : 0;
    p.token = take(&p.end, (size_t)s->n_rows, sizeof(int32_t));
    p.row_run = take(&p.end, (size_t)s->n_rows, sizeof(int32_t));
    p.run = take(&p.end, (size_t)s->n_runs, sizeof(struct k_run));
    p.page = take(&p.end, pages, sizeof(int32_t));
    p.out_row = take(&p.end, (size_t)s->n_out, sizeof(int32_t));
    p.draw = take(&p.end, (size_t)s->n_out, sizeof(struct k_draw));
    p.seen = take(&p.end, seen, sizeof(uint64_t));
    return p;
}

static void fill_runs(char *host, const struct places *p, const struct step *s)
{
    int32_t *row_run = (void *)(host + p->row_run), *page = (void *)(host + p->page);
    struct k_run *run = (void *)(host + p->run);
    int at = 0;
    for (int i = 0; i < s->n_runs; i++) {
        const struct seq_run *r = &s->run[i];
        const size_t n = pages_of(r);
        run[i] = (struct k_run){ r->first_row, r->n_rows, r->pos, at };
        memcpy(page + at, r->page, n * sizeof *page);
        at += (int)n;
        for (int row = r->first_row; row < r->first_row + r->n_rows; row++)
            row_run[row] = i;
    }
}

static void fill_draws(char *host, const char *device, const struct places *p, const struct step *s, size_t seen_words)
{
    struct k_draw *draw = (void *)(host + p->draw);
    size_t seen = p->seen;
    for (int i = 0; i < s->n_out; i++) {
        const struct sampling *how = &s->how[i];
        uint32_t word[4];
        philox4x32(how->key, how->counter, word);
        draw[i] = (struct k_draw){ .temperature = how->temperature, .top_p = how->top_p, .min_p = how->min_p, .top_k = how->top_k,
                                   .repetition_penalty = how->repetition_penalty, .u = uniform24(word[0]) };
        if (!penalised(how))
            continue;
        memcpy(host + seen, how->seen, seen_words * sizeof(uint64_t));
        draw[i].seen = (const uint64_t *)(const void *)(device + seen);
        seen += seen_words * sizeof(uint64_t);
    }
}

/* Room for a step. Steps grow with the conversations, by a doubling now and then. */
static bool reserve(struct backend *be, size_t bytes)
{
    if (bytes <= be->step_bytes)
        return true;
    size_t size = be->step_bytes ? be->step_bytes : FIRST_BYTES;
    while (size < bytes)
        size *= 2;
    cudaFreeHost(be->host_step);
    cudaFree(be->device_step);
    be->host_step = be->device_step = NULL;
    be->step_bytes = 0;
    if (!cuda_good(be, (int)cudaHostAlloc(&be->host_step, size, cudaHostAllocDefault), "cudaHostAlloc of a step's arrays") ||
        !cuda_good(be, (int)cudaMalloc(&be->device_step, size), "cudaMalloc of a step's arrays"))
        return false;
    be->step_bytes = size;
    return true;
}

int cuda_step_create(struct backend *be, struct err *err)
{
    const size_t tokens = (size_t)be->max_rows * sizeof *be->drawn;
    const bool good = reserve(be, FIRST_BYTES) &&
        cuda_good(be, (int)cudaEventCreateWithFlags(&be->step_read, cudaEventDisableTiming), "cudaEventCreate") &&
        cuda_good(be, (int)cudaHostAlloc((void **)&be->drawn, tokens, cudaHostAllocDefault), "cudaHostAlloc");
    if (!good)
        *err = be->first;
    return good ? 0 : -1;
}

void cuda_step_destroy(struct backend *be)
{
    cudaFreeHost(be->host_step);
    cudaFree(be->device_step);
    cudaFreeHost(be->drawn);
    if (be->step_read)
        cudaEventDestroy(be->step_read);
}

static void bring(struct backend *be, const struct step *s)
{
    const size_t seen_words = ((size_t)be->n_vocab + 63) / 64;
    const struct places p = lay_out(s, seen_words);
    /* a step that drew nothing was never waited for, and its copy may still be reading */
    if (!cuda_enter(be) || !cuda_good(be, (int)cudaEventSynchronize(be->step_read), "the step before") || !reserve(be, p.end))
        return;
    char *host = be->host_step, *device = be->device_step;
    memcpy(host + p.token, s->token, (size_t)s->n_rows * sizeof *s->token);
    if (s->n_out)
        memcpy(host + p.out_row, s->out_row, (size_t)s->n_out * sizeof *s->out_row);
    fill_runs(host, &p, s);
    fill_draws(host, device, &p, s, seen_words);
    be->at.step = (struct k_step){
        .n_rows = s->n_rows, .n_out = s->n_out, .token = (void *)(device + p.token), .row_run = (void *)(device + p.row_run),
        .run = (void *)(device + p.run), .page = (void *)(device + p.page), .out_row = (void *)(device + p.out_row),
        .draw = (void *)(device + p.draw),
    };
    if (cuda_good(be, (int)cudaMemcpyAsync(device, host, p.end, cudaMemcpyHostToDevice, be->stream), "upload of a step"))
        cuda_good(be, (int)cudaEventRecord(be->step_read, be->stream), "cudaEventRecord");
}

bool cuda_step_begin(struct backend *be, const struct step *s)
{
    be->steps++;
    be->layer = -1;
    bring(be, s);
    return false;
}

void cuda_sample(struct backend *be, const struct op_sample *a)
{
    if (be->n_vocab != a->n_vocab) {     /* the first step did not know how long the bit sets of a penalty are */
        be->n_vocab = a->n_vocab;
        bring(be, a->step);
    }
    if (cuda_enter(be))
        cuda_started(be, k_sample(a, &be->at), "sample");
}

int cuda_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    const size_t bytes = (size_t)n * sizeof *token;
    if (n > 0 && cuda_enter(be))
        cuda_good(be, (int)cudaMemcpyAsync(be->drawn, token, bytes, cudaMemcpyDeviceToHost, be->stream), "download of tokens");
    if (cuda_wait(be, "an op", err) < 0)
        return -1;
    if (n > 0)
        memcpy(host, be->drawn, bytes);
    return 0;
}
