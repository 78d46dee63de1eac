/* speed.c - tokens per second of the forward pass on a folder of weights, and where its time goes, operation by operation.
 *
 *   speed FOLDER cpu|cuda|cublas STEPS [read=GB/s] [product=TFLOP/s] MEASURE...
 *
 * MEASURE is decode:TOKENS:SEQUENCES, STEPS steps of one row of each of so many sequences behind so many tokens; or
 * prompts:TOKENS:SEQUENCES, all of so many prompts, in steps of as many rows as the executor takes. Each sequence has pages of its own.
 * A measure is taken alone, behind a step that is not counted, and then once more with a mark of time behind each operation (wrappers.h).
 * Prints NAME <tab> VALUE <tab> UNIT, a line each; shares where it is told what the card can read and multiply. What does not fit into
 * memory is left out, and said. Exit code 77: no such device. */
#include "loaded.h"

#include "mtbench/clock.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/wrappers.h"

#include <math.h>

enum { MOST = 256, TRACED_STEPS = 8 };

struct scene {
    struct loaded model;
    struct forward *forward;
    struct kv_view kv;
    size_t page_bytes;
    int n_seq, tokens, pages_per_seq;
    int32_t *page;                        /* (n_seq, pages_per_seq) */
    int32_t *token, *out_row;             /* (max_rows) */
    struct seq_run *run;                  /* (max_rows) */
    struct sampling *how;                 /* (max_rows) */
};

static double can_read, can_multiply;    /* GB/s, TFLOP/s; 0: unknown */

static _Noreturn void fail(const struct err *e)
{
    fprintf(stderr, "speed: %s\n", e->text);
    exit(e->kind == ERR_DEVICE ? 77 : 1);
}

static int32_t some_token(const struct scene *s, int seq, int pos)
{
    return (int32_t)(((uint32_t)seq * 7919u + (uint32_t)pos * 2654435761u) % (uint32_t)s->model.m->config.n_vocab);
}

/* ---- a measure's memory ---- */

static void close_scene(struct scene *s)
{
    const struct model *m = s->model.m;
    forward_destroy(s->forward);
    m->ops->release(m->be, s->kv.base, s->page_bytes * (size_t)(s->n_seq * s->pages_per_seq));
    free(s->page);
    s->forward = NULL;
    s->kv.base = NULL;
    s->page = NULL;
}

/* Room for sequences of 'longest' tokens. -1: err. */
static int open_scene(struct scene *s, int tokens, int n_seq, int longest, struct err *err)
{
    struct model *m = s->model.m;
    const struct model_config *c = &m->config;
    s->tokens = tokens;
    s->n_seq = n_seq;
    s->pages_per_seq = (longest + KV_PAGE - 1) / KV_PAGE;
    s->kv = (struct kv_view){ NULL, c->n_layers, c->n_kv, c->head_dim };
    s->page_bytes = m->ops->kv_page_bytes(c->n_layers, c->n_kv, c->head_dim);
    const int n_pages = n_seq * s->pages_per_seq;
    s->page = xcalloc((size_t)n_pages, sizeof *s->page);
    for (int i = 0; i < n_pages; i++)
        s->page[i] = i;
    const bool there = model_rope(m, s->pages_per_seq * KV_PAGE, err) == 0 &&
        (s->forward = forward_create(m, &comm_self, s->model.x->max_rows, n_seq, err)) &&
        (s->kv.base = m->ops->alloc(m->be, s->page_bytes * (size_t)n_pages, err));
    if (!there)
        close_scene(s);
    return there ? 0 : -1;
}

/* ---- steps ---- */

static void compute(struct scene *s, struct step *st, int n_out)
{
    int32_t drawn[MOST];
    struct err e;
    st->n_out = n_out;
    st->out_row = s->out_row;
    st->how = s->how;
    forward_step(s->forward, &s->kv, st);
    if (forward_draw(s->forward, st, drawn, &e) < 0)
        fail(&e);
}

/* The prompts of n sequences; a step may end one and begin the next. */
static void compute_prompts(struct scene *s, int n)
{
    const int most = s->model.x->max_rows;
    for (int seq = 0, pos = 0; seq < n;) {
        struct step st = { .token = s->token, .run = s->run };
        int n_out = 0;
        while (seq < n && st.n_rows < most) {
            const int left = most - st.n_rows, rows = s->tokens - pos < left ? s->tokens - pos : left;
            for (int i = 0; i < rows; i++)
                s->token[st.n_rows + i] = some_token(s, seq, pos + i);
            s->run[st.n_runs++] = (struct seq_run){ st.n_rows, rows, pos, s->page + seq * s->pages_per_seq };
            st.n_rows += rows;
            pos += rows;
            if (pos == s->tokens) {
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

/* One prompt is computed, the others get copies of its pages. */
static void fill_pages(struct scene *s)
{
    const struct model *m = s->model.m;
    const size_t bytes = s->page_bytes * (size_t)s->pages_per_seq;
    compute_prompts(s, 1);
    for (int i = 1; i < s->n_seq; i++)
        m->ops->copy(m->be, (char *)s->kv.base + (size_t)i * bytes, s->kv.base, bytes);
}

/* ---- what is printed ---- */

/* One operation, or several together, of n steps (or whatever 'each' is). */
static void put_operation(const char *name, const struct trace_row *r, int n, const char *each)
{
    const double seconds = r->seconds > 0 ? r->seconds : INFINITY;
    printf("%s: %s\t%.4g\tms %s, %ld calls, %.1f MB, %.0f GB/s", name, r->op, 1e3 * r->seconds / n, each, r->calls / n, r->bytes / n / 1e6,
           r->bytes / seconds / 1e9);
    if (can_read > 0)
        printf(" (%.1f %% of read)", 100 * r->bytes / seconds / 1e9 / can_read);
    printf(", %.2f TFLOP/s", r->flops / seconds / 1e12);
    if (can_multiply > 0)
        printf(" (%.1f %% of products)", 100 * r->flops / seconds / 1e12 / can_multiply);
    putchar('\n');
}

static void add_row(struct trace_row *to, const struct trace_row *r)
{
    to->calls += r->calls;
    to->seconds += r->seconds;
    to->bytes += r->bytes;
    to->flops += r->flops;
}

/* A line for what takes more than a fiftieth of the time, one for the others together, one for all. */
static void put_operations(const char *name, int n, const char *each)
{
    struct trace_row row[TRACE_ROWS], all = { .op = "all" }, others = { .op = "others" };
    const int n_rows = trace_rows(row);
    for (int i = 0; i < n_rows; i++)
        add_row(&all, &row[i]);
    for (int i = 0; i < n_rows; i++)
        if (row[i].seconds > all.seconds / 50)
            put_operation(name, &row[i], n, each);
        else
            add_row(&others, &row[i]);
    if (others.calls)
        put_operation(name, &others, n, each);
    put_operation(name, &all, n, each);
    fflush(stdout);
}

static void measure_decode(struct scene *s, int steps)
{
    char name[64];
    snprintf(name, sizeof name, "decode, %d at %d tokens", s->n_seq, s->tokens);
    fill_pages(s);
    decode_step(s, s->tokens);
    const double start = clock_now();
    for (int i = 1; i <= steps; i++)
        decode_step(s, s->tokens + i);
    const double seconds = clock_now() - start;
    printf("%s\t%.4g\ttok/s\n%s: a step\t%.4g\tms\n", name, s->n_seq * steps / seconds, name, 1e3 * seconds / steps);
    trace_count(true);
    for (int i = 1; i <= TRACED_STEPS; i++)
        decode_step(s, s->tokens + steps + i);
    put_operations(name, TRACED_STEPS, "a step");
    trace_count(false);
}

static void measure_prompts(struct scene *s)
{
    char name[64];
    snprintf(name, sizeof name, "prompts, %d of %d tokens", s->n_seq, s->tokens);
    compute_prompts(s, 1);
    const double start = clock_now();
    compute_prompts(s, s->n_seq);
    printf("%s\t%.4g\ttok/s\n", name, s->n_seq * s->tokens / (clock_now() - start));
    trace_count(true);
    compute_prompts(s, s->n_seq);
    put_operations(name, 1, "in all");
    trace_count(false);
}

/* "decode:600:80". False: it is none. */
static bool parse(const char *word, bool *decode, int *tokens, int *n_seq)
{
    int end = 0;
    *decode = !strncmp(word, "decode:", 7);
    if (!*decode && strncmp(word, "prompts:", 8))
        return false;
    return sscanf(strchr(word, ':'), ":%6d:%6d%n", tokens, n_seq, &end) == 2 && !strchr(word, ':')[end] && *tokens >= 1 && *n_seq >= 1 &&
        *n_seq <= MOST;
}

static void measure(struct scene *s, const char *word, int steps)
{
    struct err e;
    bool decode;
    int tokens, n_seq;
    parse(word, &decode, &tokens, &n_seq);
    if (open_scene(s, tokens, n_seq, tokens + (decode ? steps + TRACED_STEPS + 1 : 0), &e) < 0) {
        if (e.kind != ERR_MEMORY)
            fail(&e);
        printf("%s\t-\tleft out: %s\n", word, e.text);
        return;
    }
    if (decode)
        measure_decode(s, steps);
    else
        measure_prompts(s);
    close_scene(s);
}

static bool parse_all(int argc, char **argv, int *first)
{
    bool decode;
    int tokens, n_seq;
    *first = 4;
    while (*first < argc && (sscanf(argv[*first], "read=%lf", &can_read) == 1 || sscanf(argv[*first], "product=%lf", &can_multiply) == 1))
        ++*first;
    if (argc <= *first || atoi(argv[3]) < 1)
        return false;
    for (int i = *first; i < argc; i++)
        if (!parse(argv[i], &decode, &tokens, &n_seq))
            return false;
    return true;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct scene s = {0};
    int first;
    if (!parse_all(argc, argv, &first)) {
        fprintf(stderr, "usage: speed FOLDER cpu|cuda|cublas STEPS [read=GB/s] [product=TFLOP/s] decode:TOKENS:SEQUENCES|"
                "prompts:TOKENS:SEQUENCES...; at most %d sequences\n", MOST);
        return 1;
    }
    log_init(LOG_VERBOSE, 1, NULL);      /* a library's products say by which algorithms */
    const struct executor *x = loaded_executor(argv[2], &e);
    const double start = clock_now();
    if (!x || loaded_open(&s.model, executor_traced(x), argv[1], &e) < 0)
        fail(&e);
    trace_count(false);
    const size_t rows = (size_t)x->max_rows;
    s.token = xcalloc(rows, sizeof *s.token);
    s.out_row = xcalloc(rows, sizeof *s.out_row);
    s.run = xcalloc(rows, sizeof *s.run);
    s.how = xcalloc(rows, sizeof *s.how);
    for (size_t i = 0; i < rows; i++)
        s.how[i] = (struct sampling){ .top_p = 1.0f, .repetition_penalty = 1.0f };
    const double seconds = clock_now() - start;
    printf("weights, one thread that reads\t%.4g\tGB/s, %.2f s\n", (double)s.model.m->file_bytes / 1e9 / seconds, seconds);
    for (int i = first; i < argc; i++)
        measure(&s, argv[i], atoi(argv[3]));
    loaded_close(&s.model);
    free(s.token), free(s.out_row), free(s.run), free(s.how);
    return 0;
}
