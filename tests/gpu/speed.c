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
#include "tests/bench/scene.h"

#include "mtbench/clock.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/wrappers.h"

#include <math.h>

enum { MOST = 256, TRACED_STEPS = 8 };

static double can_read, can_multiply;    /* GB/s, TFLOP/s; 0: unknown */

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
    snprintf(name, sizeof name, "decode, %d at %d tokens", s->n_seq, s->context);
    scene_fill(s);
    scene_decode(s, s->context);
    const double start = clock_now();
    for (int i = 1; i <= steps; i++)
        scene_decode(s, s->context + i);
    const double seconds = clock_now() - start;
    printf("%s\t%.4g\ttok/s\n%s: a step\t%.4g\tms\n", name, s->n_seq * steps / seconds, name, 1e3 * seconds / steps);
    trace_count(true);
    for (int i = 1; i <= TRACED_STEPS; i++)
        scene_decode(s, s->context + steps + i);
    put_operations(name, TRACED_STEPS, "a step");
    trace_count(false);
}

static void measure_prompts(struct scene *s)
{
    char name[64];
    snprintf(name, sizeof name, "prompts, %d of %d tokens", s->n_seq, s->context);
    scene_prompts(s, 1);
    const double start = clock_now();
    scene_prompts(s, s->n_seq);
    printf("%s\t%.4g\ttok/s\n", name, s->n_seq * s->context / (clock_now() - start));
    trace_count(true);
    scene_prompts(s, s->n_seq);
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
    if (scene_open(s, tokens, n_seq, tokens + (decode ? steps + TRACED_STEPS + 1 : 0), &e) < 0) {
        if (e.kind != ERR_MEMORY)
            scene_fail(&e);
        printf("%s\t-\tleft out: %s\n", word, e.text);
        return;
    }
    if (decode)
        measure_decode(s, steps);
    else
        measure_prompts(s);
    scene_close(s);
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
    struct loaded model = {0};
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
    if (!x || loaded_open(&model, executor_traced(x), argv[1], &e) < 0)
        scene_fail(&e);
    trace_count(false);
    s.m = model.m;
    s.max_rows = x->max_rows;
    const double seconds = clock_now() - start;
    printf("weights, one thread that reads\t%.4g\tGB/s, %.2f s\n", (double)s.m->file_bytes / 1e9 / seconds, seconds);
    for (int i = first; i < argc; i++)
        measure(&s, argv[i], atoi(argv[3]));
    loaded_close(&model);
    return 0;
}
