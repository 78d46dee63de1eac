/* caller_probe.c - calls of a file (JSON lines: key, prompt, max_tokens) to an endpoint, answers to a call journal, a summary on stdout:
 * what tests of the transport run. With --download it fetches a URL instead. */
#include "mtbench/caller.h"
#include "mtbench/clock.h"
#include "mtbench/download.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct probe {
    const char *provider, *url, *model, *journal, *calls, *log, *download, *sha256;
    double timeout, backoff, max_cost, price_in, price_out;
    long size;
    int parallel, max_tries;
    bool smoke, cut_is_fine;
};

struct work { char *key, *prompt; int max_tokens; };

static volatile sig_atomic_t asked_to_end;

static void on_signal(int s)
{
    asked_to_end = s;
}

static void die(const struct err *err)
{
    fprintf(stderr, "probe: %s\n", err->text);
    exit(err->kind == ERR_CANCELLED ? 75 : err->kind == ERR_DEVICE ? 77 : 1);
}

static void parse(struct probe *p, int argc, char **argv)
{
    const struct { const char *name; const char **text; double *number; int *whole; bool *flag;
    } option[] = {
        {"--provider", &p->provider, 0, 0, 0},
        {"--url", &p->url, 0, 0, 0},
        {"--model", &p->model, 0, 0, 0},
        {"--journal", &p->journal, 0, 0, 0},
        {"--calls", &p->calls, 0, 0, 0},
        {"--log", &p->log, 0, 0, 0},
        {"--download", &p->download, 0, 0, 0},
        {"--sha256", &p->sha256, 0, 0, 0},
        {"--timeout", 0, &p->timeout, 0, 0},
        {"--backoff", 0, &p->backoff, 0, 0},
        {"--max-cost", 0, &p->max_cost, 0, 0},
        {"--price-in", 0, &p->price_in, 0, 0},
        {"--price-out", 0, &p->price_out, 0, 0},
        {"--parallel", 0, 0, &p->parallel, 0},
        {"--max-tries", 0, 0, &p->max_tries, 0},
        {"--smoke", 0, 0, 0, &p->smoke},
        {"--cut-is-fine", 0, 0, 0, &p->cut_is_fine},
    };
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        if (!strcmp(argv[i], "--size") && i + 1 < argc) {
            p->size = atol(argv[++i]);
            continue;
        }
        while (k < sizeof option / sizeof *option && strcmp(option[k].name, argv[i]))
            k++;
        if (k == sizeof option / sizeof *option || (!option[k].flag && i + 1 == argc))
            exit(64);
        if (option[k].flag)
            *option[k].flag = true;
        else if (option[k].text)
            *option[k].text = argv[++i];
        else if (option[k].number)
            *option[k].number = atof(argv[++i]);
        else
            *option[k].whole = atoi(argv[++i]);
    }
}

static struct work *read_calls(const char *path, int *n)
{
    struct buf b = {0};
    struct err err;
    struct work *w = NULL;
    *n = 0;
    if (io_read(path, &b, &err) < 0)
        die(&err);
    for (char *line = strtok(b.data, "\n"); line; line = strtok(NULL, "\n")) {
        cJSON *j = cJSON_Parse(line);
        w = xrealloc(w, (size_t)*n + 1, sizeof *w);
        const cJSON *limit = json_get(j, "max_tokens");
        w[(*n)++] = (struct work){xstrdup(json_get(j, "key")->valuestring), xstrdup(json_get(j, "prompt")->valuestring),
                                  limit ? limit->valueint : 2048};
        cJSON_Delete(j);
    }
    buf_free(&b);
    return w;
}

static struct call_message message[2] = { { "system", "You judge." } };

static struct call make(const struct probe *p, const struct work *w)
{
    message[1] = (struct call_message){ "user", w->prompt };
    struct call c = {
        .key = w->key, .message = message, .n_messages = 2, .max_tokens = w->max_tokens, .verdict = -1, .cut_is_fine = p->cut_is_fine};
    c.content = call_content(&c);
    return c;
}

/* Pull calls, push records, as a verb would. Returns step's verdict. */
static int drive(const struct probe *p, struct transport *t, struct call_journal *j, const struct work *w, int n, int by_status[6],
                 struct err *err)
{
    int next = 0, open = 0, rc = 0;
    bool draining = false;
    const struct call_record *r;
    while (rc == 0 && (next < n || open > 0)) {
        for (; next < n && t->room(t->ctx) > 0; next++) {
            struct call c = make(p, &w[next]);
            if (call_journal_find(j, c.key, c.content))
                continue;
            t->submit(t->ctx, &c);
            open++;
        }
        if (asked_to_end && !draining) {
            draining = true;
            t->drain(t->ctx);
        }
        rc = open > 0 || draining ? t->step(t->ctx, 0.5, err) : 0;
        while ((r = t->collect(t->ctx))) {
            call_journal_add(j, r);
            by_status[r->status]++;
            open--;
        }
        if (call_journal_sync(j, err) < 0)
            die(err);
    }
    return rc;
}

static int judge(const struct probe *p)
{
    struct err err = {0};
    struct endpoint e;
    struct manifest m = {0};
    int n, by_status[6] = {0}, rc = 0;
    struct rusage use;
    if (endpoint_resolve(&e, &(struct endpoint_opts){ .provider = p->provider, .base_url = p->url, .model = p->model }, &err) < 0)
        die(&err);
    manifest_add(&m, false, "url", "%s", e.url);
    struct call_journal *j = call_journal_open(p->journal, &m, &err);
    if (!j)
        die(&err);
    struct purse purse = { .max = p->max_cost, .spent = call_journal_totals(j).cost };
    struct transport *t = caller_create(&(struct caller_opts){.endpoint = &e,
                                                              .parallel = p->parallel,
                                                              .timeout = p->timeout,
                                                              .max_tries = p->max_tries,
                                                              .backoff = p->backoff,
                                                              .with_system = true,
                                                              .price_in = p->price_in,
                                                              .price_out = p->price_out,
                                                              .purse = &purse},
                                        &err);
    if (!t)
        die(&err);
    if (p->smoke && caller_smoke(t, &err) < 0)
        die(&err);
    struct work *w = read_calls(p->calls, &n);
    double start = clock_now();
    rc = drive(p, t, j, w, n, by_status, &err);
    double seconds = clock_now() - start;
    getrusage(RUSAGE_SELF, &use);
    struct caller_now now = caller_now(t);
    struct call_totals all = call_journal_totals(j);
    printf("{\"seconds\": %.3f, \"cpu\": %.3f, \"retries\": %lld, \"limit\": %d, \"cost\": %.6f, \"journal_cost\": %.6f", seconds,
           (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec + 1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec),
           (long long)now.retries, now.limit, now.cost, all.cost);
    for (int s = 0; s < 6; s++)
        printf(", \"%s\": %d", call_status_name((enum call_status)s), by_status[s]);
    printf("}\n");
    t->destroy(t->ctx);
    call_journal_close(j);
    endpoint_free(&e);
    manifest_free(&m);
    for (int i = 0; i < n; i++) {
        free(w[i].key);
        free(w[i].prompt);
    }
    free(w);
    if (rc < 0)
        die(&err);
    return 0;
}

static int told;

static int on_progress(void *ctx, int64_t have, int64_t total)
{
    (void)ctx, (void)have, (void)total;
    told++;
    return 0;
}

static int fetch(const struct probe *p)
{
    struct err err = {0};
    if (download_file(
            &(struct download){
                .url = p->download, .path = p->journal, .size = p->size, .sha256 = p->sha256, .progress = on_progress, .stall = 5},
            &err) < 0)
        die(&err);
    printf("%d\n", told);
    return 0;
}

int main(int argc, char **argv)
{
    struct probe p = { .model = "stub", .parallel = 16, .price_in = -1, .price_out = -1, .size = -1, .backoff = 0.02 };
    parse(&p, argc, argv);
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN);
    log_init(LOG_QUIET, 1, p.log);
    return p.download ? fetch(&p) : judge(&p);
}
