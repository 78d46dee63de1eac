/* report.cpp - what the emulator says, and its settings. */
#include "sim.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct cudasim_settings settings;
static char last[1024];
static long n_reports;

static long number(const char *v)
{
    char *end;
    long n = strtol(v, &end, 0);
    return *end == 'G' ? n << 30 : *end == 'M' ? n << 20 : n;
}

/* One word of MTB_CUDASIM: "name" or "name=value". */
static bool set(const char *name, const char *v)
{
    const struct {
        const char *name;
        long *to;
    } longs[] = { { "fail_alloc", &settings.fail_alloc },
                  { "fail_launch", &settings.fail_launch },
                  { "lose_device", &settings.lose_device }, { "patience", &settings.patience } };
    const struct {
        const char *name;
        bool *to;
    } bools[] = { { "eager", &settings.eager },         { "quiet", &settings.quiet },        { "counts", &settings.counts },
                  { "no_driver", &settings.no_driver }, { "no_peers", &settings.no_peers },  { "stub", &settings.stub },
                  { "no_image", &settings.no_image },   { "unguarded", &settings.unguarded } };
    for (auto &l : longs)
        if (!strcmp(l.name, name))
            return *l.to = number(v), true;
    for (auto &b : bools)
        if (!strcmp(b.name, name))
            return *b.to = true;
    if (!strcmp(name, "order"))
        return settings.order = !strcmp(v, "reverse") ? CUDASIM_REVERSE : !strcmp(v, "random") ? CUDASIM_RANDOM : CUDASIM_FORWARD, true;
    if (!strcmp(name, "seed"))
        return settings.seed = static_cast<uint32_t>(number(v)), true;
    if (!strcmp(name, "fill"))
        return settings.fill = static_cast<int>(number(v)), true;
    if (!strcmp(name, "mem"))
        return settings.device_bytes = static_cast<size_t>(number(v)), true;
    if (!strcmp(name, "devices"))
        return settings.devices = static_cast<int>(number(v)), true;
    if (!strcmp(name, "driver"))
        return settings.driver = static_cast<int>(number(v)), true;
    if (!strcmp(name, "arch"))
        return settings.arch = static_cast<int>(number(v)), true;
    const char *const cublas[] = { "good", "bad", "old", "none", "real" };
    for (int i = 0; i < 5; i++)
        if (!strcmp(name, "cublas") && !strcmp(v, cublas[i]))
            return settings.cublas = static_cast<enum cudasim_cublas>(i), true;
    return false;
}

static void read_settings()
{
    char words[500];
    const char *e = getenv("MTB_CUDASIM");
    settings = {};
    settings.seed = 1, settings.fill = 0xff, settings.arch = 90, settings.devices = 1;
    settings.device_bytes = size_t{ 4 } << 30, settings.patience = 100000000;
    snprintf(words, sizeof words, "%s", e ? e : "");
    for (char *save, *w = strtok_r(words, " ,", &save); w; w = strtok_r(nullptr, " ,", &save)) {
        char *eq = strchr(w, '=');
        if (eq)
            *eq = '\0';
        if (!set(w, eq ? eq + 1 : "")) {
            fprintf(stderr, "cudasim: MTB_CUDASIM has no '%s'; tests/cudasim/hooks.h lists what it has\n", w);
            abort();
        }
    }
}

struct cudasim_settings *cudasim()
{
    static bool read;
    if (!read) {
        read = true;
        read_settings();
        if (settings.counts)
            atexit([] { cudasim_print_counts(stderr); });
    }
    return &settings;
}

const char *cudasim_last() { return last; }
long cudasim_reports() { return n_reports; }
void report_forget() { last[0] = '\0', n_reports = 0; }

void report(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(last, sizeof last, fmt, ap);
    va_end(ap);
    n_reports++;
    if (!cudasim()->quiet)
        fprintf(stderr, "cudasim: %s\n", last);
}

const char *thread_name(int thread)
{
    static char text[4][80];
    static int turn;
    char *t = text[turn++ % 4];
    snprintf(t, sizeof text[0], "thread %d (warp %d, lane %d)", thread, thread / WARP, thread % WARP);
    return t;
}

static const char *where(site at)
{
    static char text[300];
    const char *base = at.file ? strrchr(at.file, '/') : nullptr;
    snprintf(text, sizeof text, at.file ? "%s:%d: " : "", base ? base + 1 : at.file, at.line);
    return text;
}

void fault(cudaError_t why, site at, const char *fmt, ...)
{
    char what[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    report("%s%s: block (%u, %u, %u), %s: %s", where(at), B.call->kernel, blockIdx.x, blockIdx.y, blockIdx.z, thread_name(B.current), what);
    grid_abort(why);
}

void fault_of_block(cudaError_t why, const char *fmt, ...)
{
    char what[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    report("%s: block (%u, %u, %u): %s", B.call->kernel, blockIdx.x, blockIdx.y, blockIdx.z, what);
    grid_fail(why);
}

void sim_trap(const char *file, int line) { fault(cudaErrorLaunchFailure, site{ file, line }, "__trap()"); }
