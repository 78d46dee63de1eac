/* make_model.c - a model of a known shape with random weights, in seconds and without Python: what speed and memory of a real one are
 * measured with where no real one can be carried to.
 *
 *   make_model FOLDER SHAPE [LAYERS] [TOKENIZER.json FIRST END]
 *
 * Writes config.json and model.safetensors (BF16) of Llama's architecture; with a tokenizer its file and a chat template, and only rows
 * [FIRST, END) of the head are drawn, the others are zero, so that greedy tokens lie in its vocabulary, behind the tokens that end a text.
 * Each piece of a tensor is named by the tensor and its place in it: a model of fewer layers has the same layers. */
#include "mtbench/err.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct shape {
    const char *name;
    int dim, ff, layers, heads, kv, hd, vocab, context;
    double theta;
    bool tied;
} shape_table[] = {
    { "llama2-7b", 4096, 11008, 32, 32, 32, 128, 32000, 4096, 1e4, false },
    { "llama3-8b", 4096, 14336, 32, 32, 8, 128, 128256, 8192, 5e5, false },
    { "smollm2-135m", 576, 1536, 30, 9, 3, 64, 49152, 8192, 1e5, true },
    { "small", 256, 512, 2, 8, 2, 32, 1024, 1024, 1e4, false },
};

struct tensor {
    char name[64];
    size_t rows, cols, at, skipped, live;   /* at: byte of the file; numbers [skipped, live) are drawn, the others stay zero */
    double spread, mean;
};

enum { PIECE = 1 << 20, MAX_THREADS = 64 };  /* numbers */

struct model {
    const struct shape *s;
    int layers, fd;
    struct tensor *tensor;
    int n;
    size_t bytes, *first;                /* (n + 1) number of a tensor's first piece */
    atomic_size_t next;
    atomic_int failed;
};

static void add(struct model *m, const char *name, size_t rows, size_t cols, double spread, double mean)
{
    m->tensor = xrealloc(m->tensor, (size_t)m->n + 1, sizeof *m->tensor);
    struct tensor *t = &m->tensor[m->n++];
    *t = (struct tensor){ .rows = rows, .cols = cols, .live = rows * cols, .spread = spread, .mean = mean };
    snprintf(t->name, sizeof t->name, "%s", name);
}

static void add_layer(struct model *m, int l)
{
    const struct shape *s = m->s;
    const size_t dim = (size_t)s->dim, ff = (size_t)s->ff, q = (size_t)(s->heads * s->hd), kv = (size_t)(s->kv * s->hd);
    /* what goes into the residual stream is made small, so that it grows little through any number of layers */
    const double in = 1 / sqrt((double)dim), o = 0.2 / sqrt((double)q), down = 0.2 / sqrt((double)ff);
    const struct { const char *name; size_t rows, cols; double spread, mean; } part[] = {
        { "input_layernorm", 1, dim, 0.1, 1 }, { "self_attn.q_proj", q, dim, in, 0 }, { "self_attn.k_proj", kv, dim, in, 0 },
        { "self_attn.v_proj", kv, dim, in, 0 }, { "self_attn.o_proj", dim, q, o, 0 }, { "post_attention_layernorm", 1, dim, 0.1, 1 },
        { "mlp.gate_proj", ff, dim, in, 0 }, { "mlp.up_proj", ff, dim, in, 0 }, { "mlp.down_proj", dim, ff, down, 0 },
    };
    char name[64];
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        snprintf(name, sizeof name, "model.layers.%d.%s.weight", l, part[i].name);
        add(m, name, part[i].rows, part[i].cols, part[i].spread, part[i].mean);
    }
}

static void list_tensors(struct model *m, int first, int end)
{
    const struct shape *s = m->s;
    const size_t dim = (size_t)s->dim, vocab = (size_t)s->vocab;
    add(m, "model.embed_tokens.weight", vocab, dim, s->tied ? 1 / sqrt((double)dim) : 1, 0);
    for (int l = 0; l < m->layers; l++)
        add_layer(m, l);
    add(m, "model.norm.weight", 1, dim, 0.1, 1);
    if (!s->tied)
        add(m, "lm_head.weight", vocab, dim, 1 / sqrt((double)dim), 0);
    struct tensor *head = &m->tensor[s->tied ? 0 : m->n - 1];
    if (end) {
        head->skipped = (size_t)first * dim;
        head->live = (size_t)end * dim;
    }
}

/* The header of a safetensors file, padded so that the data begin at a multiple of 8. */
static int put_header(struct model *m, struct err *err)
{
    struct buf b = {0};
    size_t at = 0;
    buf_str(&b, "{");
    for (int i = 0; i < m->n; i++) {
        struct tensor *t = &m->tensor[i];
        const size_t bytes = 2 * t->rows * t->cols;
        buf_printf(&b, "%s\"%s\": {\"dtype\": \"BF16\", \"shape\": [", i ? ", " : "", t->name);
        if (t->rows > 1)
            buf_printf(&b, "%zu, ", t->rows);
        buf_printf(&b, "%zu], \"data_offsets\": [%zu, %zu]}", t->cols, at, at + bytes);
        t->at = at;
        at += bytes;
    }
    buf_str(&b, "}");
    while (b.len % 8)
        buf_str(&b, " ");
    const uint64_t length = b.len;
    for (int i = 0; i < m->n; i++)
        m->tensor[i].at += 8 + b.len;
    m->bytes = at;
    int rc = pwrite(m->fd, &length, 8, 0) == 8 && pwrite(m->fd, b.data, b.len, 8) == (ssize_t)b.len ? 0 : err_errno(err, "header");
    if (rc == 0 && ftruncate(m->fd, (off_t)(8 + b.len + at)) < 0)                   /* what is not written reads as zero */
        rc = err_errno(err, "%zu bytes", at);
    buf_free(&b);
    return rc;
}

static uint16_t bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);                    /* to nearest even; nothing here is NaN */
}

/* Uniform numbers of this spread (standard deviation) around the mean. */
static void draw(uint16_t *to, size_t n, uint32_t tensor, uint32_t piece, double spread, double mean)
{
    const uint32_t key[2] = { tensor, 20230606 };
    const float scale = (float)(spread * sqrt(3.0) / 32768), middle = (float)mean;
    for (size_t i = 0; i < n; i += 8) {
        uint32_t r[4];
        philox4x32(key, (const uint32_t[4]){ (uint32_t)i, piece, 0, 0 }, r);
        for (size_t k = 0; k < 8 && i + k < n; k++)
            to[i + k] = bf16(middle + scale * ((float)(int16_t)(r[k / 2] >> 16 * (k & 1)) + 0.5f));
    }
}

/* FNV-1a: a tensor draws by its name, not by its place. */
static uint32_t name_hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

static void *work(void *arg)
{
    struct model *m = arg;
    uint16_t *to = xcalloc(PIECE, sizeof *to);
    size_t p;
    int i = 0;
    while ((p = atomic_fetch_add(&m->next, 1)) < m->first[m->n] && !atomic_load(&m->failed)) {
        while (p >= m->first[i + 1])
            i++;
        const struct tensor *t = &m->tensor[i];
        const size_t piece = p - m->first[i], begin = piece * PIECE, n = t->live - begin < PIECE ? t->live - begin : PIECE;
        draw(to, n, name_hash(t->name), (uint32_t)piece, t->spread, t->mean);
        if (begin < t->skipped)
            memset(to, 0, (t->skipped - begin < n ? t->skipped - begin : n) * sizeof *to);
        for (size_t done = 0; done < 2 * n;) {
            ssize_t put = pwrite(m->fd, (char *)to + done, 2 * n - done, (off_t)(t->at + 2 * begin + done));
            if (put <= 0) {
                atomic_store(&m->failed, put < 0 ? errno : ENOSPC);
                break;
            }
            done += (size_t)put;
        }
    }
    free(to);
    return NULL;
}

static int fill(struct model *m, int threads, struct err *err)
{
    pthread_t thread[MAX_THREADS];
    int started = 0;
    m->first = xcalloc((size_t)m->n + 1, sizeof *m->first);
    for (int i = 0; i < m->n; i++)
        m->first[i + 1] = m->first[i] + (m->tensor[i].live + PIECE - 1) / PIECE;
    while (started < threads && pthread_create(&thread[started], NULL, work, m) == 0)
        started++;
    if (!started)
        work(m);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    free(m->first);
    errno = atomic_load(&m->failed);
    return errno ? err_errno(err, "model.safetensors: cannot write") : 0;
}

static int put_text(const char *folder, const char *name, const char *text, size_t n, struct err *err)
{
    char *path = xasprintf("%s/%s", folder, name);
    int rc = io_replace(path, text, n, err);
    free(path);
    return rc;
}

static int put_config(const struct model *m, const char *folder, struct err *err)
{
    const struct shape *s = m->s;
    struct buf b = {0};
    buf_printf(&b, "{\"architectures\": [\"LlamaForCausalLM\"], \"model_type\": \"llama\", \"hidden_size\": %d, \"intermediate_size\": %d, "
               "\"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"num_key_value_heads\": %d, \"head_dim\": %d, ",
               s->dim, s->ff, m->layers, s->heads, s->kv, s->hd);
    buf_printf(&b, "\"vocab_size\": %d, \"max_position_embeddings\": %d, \"rope_theta\": %.1f, \"rms_norm_eps\": 1e-05, "
               "\"hidden_act\": \"silu\", \"tie_word_embeddings\": %s, \"bos_token_id\": 1, \"eos_token_id\": 2, "
               "\"torch_dtype\": \"bfloat16\"}\n",
               s->vocab, s->context, s->theta, s->tied ? "true" : "false");
    int rc = put_text(folder, "config.json", b.data, b.len, err);
    buf_free(&b);
    return rc;
}

static int put_tokenizer(const char *folder, const char *path, struct err *err)
{
    static const char config[] =
        "{\"chat_template\": \"{% for m in messages %}<|im_start|>{{ m.role }}\\n{{ m.content }}<|im_end|>\\n{% endfor %}"
        "<|im_start|>assistant\\n\", \"eos_token\": \"<|im_end|>\"}\n";
    struct buf b = {0};
    int rc = io_read(path, &b, err);
    if (rc == 0)
        rc = put_text(folder, "tokenizer.json", b.data, b.len, err);
    if (rc == 0)
        rc = put_text(folder, "tokenizer_config.json", config, sizeof config - 1, err);
    buf_free(&b);
    return rc;
}

static const struct shape *find(const char *name)
{
    for (size_t i = 0; i < sizeof shape_table / sizeof *shape_table; i++)
        if (!strcmp(shape_table[i].name, name))
            return &shape_table[i];
    return NULL;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int make(struct model *m, const char *folder, const char *tokenizer, int first, int end, struct err *err)
{
    char *path = xasprintf("%s/model.safetensors", folder);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const double start = seconds();
    int rc = io_make_parents(path, err);
    if (rc == 0 && (m->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) < 0)
        rc = err_errno(err, "%s", path);
    list_tensors(m, first, end);
    if (rc == 0)
        rc = put_header(m, err);
    if (rc == 0)
        rc = fill(m, cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (int)cores, err);
    if (m->fd >= 0 && close(m->fd) < 0 && rc == 0)
        rc = err_errno(err, "%s", path);
    if (rc == 0)
        rc = put_config(m, folder, err);
    if (rc == 0 && tokenizer)
        rc = put_tokenizer(folder, tokenizer, err);
    if (rc == 0)
        printf("%s: %s, %d layers, %.2f GB in %.1f s\n", folder, m->s->name, m->layers, (double)m->bytes / 1e9, seconds() - start);
    free(m->tensor);
    free(path);
    return rc;
}

int main(int argc, char **argv)
{
    struct model m = { .s = argc > 2 ? find(argv[2]) : NULL, .fd = -1 };
    struct err err;
    const char *tokenizer = argc == 7 ? argv[4] : NULL;
    const int first = tokenizer ? atoi(argv[5]) : 0, end = tokenizer ? atoi(argv[6]) : 0;
    m.layers = argc > 3 ? atoi(argv[3]) : 0;
    if (!m.s || m.layers < 0 || argc > 7 || argc == 5 || argc == 6 || (tokenizer && (first < 0 || end <= first || end > m.s->vocab))) {
        fprintf(stderr, "make_model FOLDER llama2-7b|llama3-8b|smollm2-135m|small [LAYERS (0: all)] [TOKENIZER.json FIRST END]\n");
        return 1;
    }
    m.layers = m.layers ? m.layers : m.s->layers;
    if (make(&m, argv[1], tokenizer, first, end, &err) < 0) {
        fprintf(stderr, "make_model: %s\n", err.text);
        return 1;
    }
    return 0;
}
