/* same.c - is it one computation? For each folder (or .gguf file): the tokens of many requests, greedy and drawn, which have one digest
 * whatever runs together and however prompts are cut; logits beside the CPU's, and the largest difference of each operation.
 *
 *   same cuda|cublas REQUESTS NEW FOLDER...
 *
 * Logits may be BOUND of their spread from the CPU's: operands and weights have 16 bits. Where the best tokens differ, which such a
 * distance allows only where two are near each other, it says how near. Prints NAME <tab> VALUE <tab> UNIT, a line each, and on stderr what
 * there is to know more; "FAILED <tab> what" and exit code 1 where a law does not hold. 77: no such device. */
#include "loaded.h"

#include "mtbench/clock.h"
#include "mtbench/engine.h"
#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/wrappers.h"

#include <math.h>

enum { LONGEST = 200, PROMPTS = 12, ROWS = 40 };     /* tokens of a prompt; prompts whose logits are looked at; rows that are compared */

static const double BOUND = 0.03, ROW_BOUND = 0.05;
static int n_requests, n_new;
static bool failed;

struct said { int32_t *token; int n, n_prompt; };

struct setup { int batch, chunk; };

struct running {
    struct loaded model;
    struct team *team;
    struct engine *engine;
};

static _Noreturn void fail(const char *what, const struct err *e)
{
    fprintf(stderr, "same: %s: %s\n", what, e->text);
    exit(e->kind == ERR_DEVICE ? 77 : 1);
}

static int less(int a, int b)
{
    return a < b ? a : b;
}

static int32_t some_token(int seq, int pos, int n_vocab)
{
    return (int32_t)(((uint32_t)seq * 7919u + (uint32_t)pos * 2654435761u) % (uint32_t)n_vocab);
}

static int longest(const struct running *r)
{
    return less(LONGEST, r->model.m->config.context - n_new - 1);
}

static void start(struct running *r, const char *name, struct setup how)
{
    struct err e;
    const struct engine_opts o = { .max_batch = how.batch, .max_rows = how.chunk, .n_requests = n_requests,
                                   .max_tokens = less(r->model.m->config.context, LONGEST + n_new + 1) };
    if (!(r->team = team_create(&(struct team_opts){ .member = &r->model.m, .n = 1 }, &e)) || !(r->engine = engine_create(r->team, &o, &e)))
        fail(name, &e);
}

static void stop(struct running *r)
{
    engine_destroy(r->engine);
    team_destroy(r->team);
}

/* ---- tokens ---- */

static void submit(struct running *r, const char *name, int i, struct said *said)
{
    struct err e;
    int32_t prompt[LONGEST];
    said->n_prompt = 1 + i * 37 % longest(r);
    for (int k = 0; k < said->n_prompt; k++)
        prompt[k] = some_token(i, k, r->model.m->config.n_vocab);
    struct request q = { .tag = (uint64_t)i, .prompt = prompt, .n_prompt = said->n_prompt, .max_new = n_new,
                         .how = { .temperature = i % 2 ? 0.8f : 0.0f, .top_p = 0.9f, .repetition_penalty = 1, .key = { (uint32_t)i } } };
    if (engine_submit(r->engine, &q, &e) < 0)
        fail(name, &e);
}

/* What all requests get (n_requests). Returns tokens per second, prompts included. */
static double answer(struct running *r, const char *name, struct setup how, struct said *said)
{
    struct err e;
    const struct completion *c;
    int live, tokens = 0;
    const double begin = clock_now();
    start(r, name, how);
    for (int i = 0; i < n_requests; i++)
        submit(r, name, i, &said[i]);
    while ((live = engine_step(r->engine, &e)) > 0)
        ;
    if (live < 0)
        fail(name, &e);
    while ((c = engine_collect(r->engine))) {
        struct said *to = &said[c->tag];
        if (c->finish == FINISH_NOT_FINITE) {
            printf("FAILED\t%s: request %d, %d tokens of prompt: %s\n", name, (int)c->tag, to->n_prompt, c->reason);
            failed = true;
        }
        to->n = c->n_token;
        memcpy(to->token, c->token, (size_t)c->n_token * sizeof *c->token);
        tokens += to->n + to->n_prompt;
        engine_release(r->engine, c);
    }
    stop(r);
    return tokens / (clock_now() - begin);
}

static struct said *make_said(void)
{
    struct said *s = xcalloc((size_t)n_requests, sizeof *s);
    for (int i = 0; i < n_requests; i++)
        s[i].token = xcalloc((size_t)n_new, sizeof *s[i].token);
    return s;
}

static void free_said(struct said *s)
{
    for (int i = 0; i < n_requests; i++)
        free(s[i].token);
    free(s);
}

static void digest(const struct said *s, char hex[65])
{
    uint8_t bytes[32];
    struct sha256 *h = sha256_begin();
    for (int i = 0; i < n_requests; i++) {
        sha256_add(h, &s[i].n, sizeof s[i].n);
        sha256_add(h, s[i].token, (size_t)s[i].n * sizeof *s[i].token);
    }
    sha256_end(h, bytes);
    hex_of(bytes, sizeof bytes, hex);
}

/* Where two ways part: 'a' and 'b' have another digest. */
static void say_parting(const char *name, const struct said *a, const struct said *b)
{
    int n = 0;
    for (int i = 0; i < n_requests; i++) {
        int k = 0;
        while (k < a[i].n && k < b[i].n && a[i].token[k] == b[i].token[k])
            k++;
        if (k == a[i].n && k == b[i].n)
            continue;
        if (n++ < 8)
            fprintf(stderr, "%s: request %d (%s, %d tokens of prompt) parts at new token %d: %d, %d\n", name, i, i % 2 ? "drawn" : "greedy",
                    a[i].n_prompt, k, k < a[i].n ? a[i].token[k] : -1, k < b[i].n ? b[i].token[k] : -1);
    }
    fprintf(stderr, "%s: %d of %d requests part\n", name, n, n_requests);
}

/* All at once and alone, prompts whole and cut. */
static void check_tokens(struct running *r, const char *name)
{
    const int wide = less(1024, r->model.x->max_rows);
    const struct setup way[] = { { n_requests, wide }, { 1, wide }, { n_requests, 64 }, { 1, 64 } };
    struct said *first = make_said(), *other = make_said();
    char want[65], got[65] = "";
    for (size_t i = 0; i < sizeof way / sizeof *way && (i == 0 || !strcmp(want, got) || i == 1); i++) {
        struct said *s = i ? other : first;
        char words[128];
        const double rate = answer(r, name, way[i], s);
        snprintf(words, sizeof words, "%s, %d together, up to %d rows a step", name, way[i].batch, way[i].chunk);
        digest(s, i ? got : want);
        fprintf(stderr, "%s: digest %s, %.0f tok/s, prompts included\n", words, i ? got : want, rate);
        if (i == 0 || !strcmp(want, got))
            continue;
        say_parting(words, first, other);
        answer(r, name, way[i], first);
        digest(first, want);             /* a difference that moves is a race; one that stays is another order of some sum */
        printf("FAILED\t%s: its digest is another one, %.12s, and the second time %.12s\n", words, got, want);
        failed = true;
        strcpy(want, "");
    }
    if (!strcmp(want, got))
        printf("%s, digest of %d and 1 together, up to %d and 64 rows a step\t%.12s\tone\n", name, n_requests, wide, want);
    fflush(stdout);
    free_said(first);
    free_said(other);
}

/* ---- logits ---- */

static int prompt_of(const struct running *r, int i, int32_t prompt[LONGEST])
{
    const int n = less(1 + i * i * 3 / 2, longest(r));
    for (int k = 0; k < n; k++)
        prompt[k] = some_token(i + 100, k, r->model.m->config.n_vocab);
    return n;
}

static void best_two(const float *x, int n, int best[2])
{
    best[0] = 0, best[1] = -1;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best[0]])
            best[1] = best[0], best[0] = i;
        else if (best[1] < 0 || x[i] > x[best[1]])
            best[1] = i;
}

/* Of logits a, those of the CPU, and b: the largest distance over the spread of a; infinite where one is no number. */
static double distance(const float *a, const float *b, int n, double *spread)
{
    double low = (double)a[0], high = (double)a[0], most = 0;
    for (int i = 0; i < n; i++) {
        const double by = fabs((double)a[i] - (double)b[i]);
        low = (double)a[i] < low ? (double)a[i] : low;
        high = (double)a[i] > high ? (double)a[i] : high;
        most = by > most ? by : isfinite(by) ? most : INFINITY;
    }
    *spread = high - low;
    return most / *spread;
}

static void check_logits(struct running *gpu, struct running *cpu, const char *name)
{
    const int n = gpu->model.m->config.n_vocab;
    float *a = xcalloc((size_t)n, sizeof *a), *b = xcalloc((size_t)n, sizeof *b);
    double worst = 0, spread;
    int at = 0, other = 0;
    start(gpu, name, (struct setup){ 1, gpu->model.x->max_rows });
    start(cpu, name, (struct setup){ 1, cpu->model.x->max_rows });
    for (int i = 0; i < PROMPTS; i++) {
        struct err e;
        int32_t prompt[LONGEST];
        int best[2], theirs[2];
        const int length = prompt_of(gpu, i, prompt);
        if (engine_logits(cpu->engine, prompt, length, a, &e) < 0 || engine_logits(gpu->engine, prompt, length, b, &e) < 0)
            fail(name, &e);
        const double by = distance(a, b, n, &spread);
        if (!(by <= worst))
            worst = by, at = length;
        best_two(a, n, best);
        best_two(b, n, theirs);
        if (best[0] == theirs[0])
            continue;
        other++;
        printf("%s, best token behind %d differs: near-tie of\t%.2e\tof the spread on the CPU (%d before %d; here %d)\n", name, length,
               ((double)a[best[0]] - (double)a[theirs[0]]) / spread, best[0], best[1], theirs[0]);
    }
    stop(gpu);
    stop(cpu);
    printf("%s, logits, largest distance from the CPU's\t%.2e\tof their spread (bound %g), behind %d tokens; %d of %d best tokens differ\n",
           name, worst, BOUND, at, other, PROMPTS);
    if (!(worst <= BOUND)) {
        printf("FAILED\t%s: logits behind %d tokens are %.2e of their spread from the CPU's; bound %g\n", name, at, worst, BOUND);
        failed = true;
    }
    free(a);
    free(b);
}

/* Every operation on both, from the same numbers. */
static void check_operations(const struct executor *x, const char *path, const char *name)
{
    struct running both = {0};
    struct err e;
    struct buf text = {0};
    int32_t prompt[ROWS];
    if (loaded_open(&both.model, executor_compared(x, &executor_cpu, ROW_BOUND), path, &e) < 0)
        fail(name, &e);
    const int n = both.model.m->config.n_vocab;
    float *logits = xcalloc((size_t)n, sizeof *logits);
    for (int i = 0; i < ROWS; i++)
        prompt[i] = some_token(3, i, n);
    start(&both, name, (struct setup){ 1, both.model.x->max_rows });
    if (engine_logits(both.engine, prompt, ROWS, logits, &e) < 0)
        fail(name, &e);
    stop(&both);
    compare_put(&text);
    fprintf(stderr, "%s, each operation beside the CPU's, %d rows:\n%s", name, ROWS, text.data);
    if (compare_failed()) {
        printf("FAILED\t%s: %.*s\n", name, (int)strcspn(strstr(text.data, "first beyond"), "\n"), strstr(text.data, "first beyond"));
        failed = true;
    }
    buf_free(&text);
    free(logits);
    loaded_close(&both.model);
}

static void check(const struct executor *x, char *path)
{
    struct running gpu = {0}, cpu = {0};
    struct err e;
    while (path[1] && path[strlen(path) - 1] == '/')
        path[strlen(path) - 1] = '\0';
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (loaded_open(&gpu.model, x, path, &e) < 0 || loaded_open(&cpu.model, &executor_cpu, path, &e) < 0)
        fail(name, &e);
    check_tokens(&gpu, name);
    check_logits(&gpu, &cpu, name);
    loaded_close(&gpu.model);
    loaded_close(&cpu.model);
    check_operations(x, path, name);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    n_requests = argc > 4 ? atoi(argv[2]) : 0;
    n_new = argc > 4 ? atoi(argv[3]) : 0;
    if (n_requests < 2 || n_requests > 1024 || n_new < 1 || n_new > 128) {
        fprintf(stderr, "usage: same cuda|cublas REQUESTS NEW FOLDER...; 2 to 1024 requests, 1 to 128 new tokens each\n");
        return 1;
    }
    const struct executor *x = loaded_executor(argv[1], &e);
    if (!x)
        fail(argv[1], &e);
    for (int i = 4; i < argc; i++)
        check(x, argv[i]);
    return failed;
}
