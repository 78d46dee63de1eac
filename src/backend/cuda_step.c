/* cuda_step.c - a step on the GPU: its arrays go over in one copy when it begins, and its tokens come back when it ends, the one time
 * that the host waits. */
#include "cuda.h"

#include "mtbench/rng.h"

#include <assert.h>
#include <string.h>

enum { ALIGN = 16 };

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

static struct places places_of(int n_rows, int n_runs, int n_out, size_t pages, size_t seen)
{
    struct places p = {0};
    p.token = take(&p.end, (size_t)n_rows, sizeof(int32_t));
    p.row_run = take(&p.end, (size_t)n_rows, sizeof(int32_t));
    p.run = take(&p.end, (size_t)n_runs, sizeof(struct k_run));
    p.page = take(&p.end, pages, sizeof(int32_t));
    p.out_row = take(&p.end, (size_t)n_out, sizeof(int32_t));
    p.draw = take(&p.end, (size_t)n_out, sizeof(struct k_draw));
    p.seen = take(&p.end, seen, sizeof(uint64_t));
    return p;
}

static struct places lay_out(const struct step *s, size_t seen_words)
{
    size_t pages = 0, seen = 0;
    for (int i = 0; i < s->n_runs; i++)
        pages += pages_of(&s->run[i]);
    for (int i = 0; i < s->n_out; i++)
        seen += penalised(&s->how[i]) ? seen_words : 0;
    return places_of(s->n_rows, s->n_runs, s->n_out, pages, seen);
}

static size_t words_of(int n_vocab)
{
    return ((size_t)n_vocab + 63) / 64;
}

size_t cuda_step_bytes(const struct step_size *m)
{
    const size_t pages = (size_t)m->runs * (size_t)((m->tokens + KV_PAGE - 1) / KV_PAGE);
    return places_of(m->rows, m->runs, m->out, pages, (size_t)m->out * words_of(m->n_vocab)).end;
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

int cuda_step_room(struct backend *be, const struct step_size *most, struct err *err)
{
    const size_t bytes = cuda_step_bytes(most);
    be->n_vocab = most->n_vocab;
    if (bytes <= be->step_bytes)
        return 0;
    if (cuda_wait(be, "the step before", err) < 0)
        return -1;
    cuda_host_release(be, be->host_step, be->step_bytes);
    cuda_release(be, be->device_step, be->step_bytes);
    be->step_bytes = 0;
    be->device_step = NULL;
    if (!(be->host_step = cuda_host_alloc(be, bytes, err)) || !(be->device_step = cuda_alloc(be, bytes, err)))
        return -1;
    be->step_bytes = bytes;
    return 0;
}

int cuda_step_create(struct backend *be, struct err *err)
{
    const size_t tokens = (size_t)be->max_rows * sizeof *be->drawn;
    const bool good = cuda_good(be, (int)cudaEventCreateWithFlags(&be->step_read, cudaEventDisableTiming), "cudaEventCreate");
    if (!good)
        *err = be->first;
    return good && (be->drawn = cuda_host_alloc(be, tokens, err)) ? 0 : -1;
}

void cuda_step_destroy(struct backend *be)
{
    cuda_host_release(be, be->host_step, be->step_bytes);
    cuda_release(be, be->device_step, be->step_bytes);
    cuda_host_release(be, be->drawn, 0);
}

static void bring(struct backend *be, const struct step *s)
{
    const size_t seen_words = words_of(be->n_vocab);
    const struct places p = lay_out(s, seen_words);
    assert(p.end <= be->step_bytes);     /* what was promised when room was taken */
    /* a step that drew nothing was never waited for, and its copy may still be reading */
    if (!cuda_enter(be) || !cuda_good(be, (int)cudaEventSynchronize(be->step_read), "the step before"))
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
    be->in_mlp = false;
    bring(be, s);
    return false;
}

void cuda_sample(struct backend *be, const struct op_sample *a)
{
    assert(a->n_vocab == be->n_vocab);   /* as long as the bit sets that the step brought */
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
