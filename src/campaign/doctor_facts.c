/* doctor_facts.c - gathering: every phase that may fail on one rank ends alike on all, and its error is a fact like others. */
#include "doctor_facts.h"

#include "mtbench/caller.h"
#include "mtbench/candidate.h"
#include "mtbench/clock.h"
#include "mtbench/clocks.h"
#include "mtbench/layout.h"
#include "mtbench/mem.h"
#include "mtbench/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- each rank ---- */

static const char *scratch_of(const struct doctor_opts *o)
{
    const char *tmp = getenv("TMPDIR");
    const char *given = o->answer->scratch;
    return given && *given ? given : tmp && *tmp ? tmp : "/tmp";
}

static void look_at_limits(struct doctor_rank *k)
{
    struct rlimit r;
    cpu_set_t set;
    k->files = k->file_size = -1;
    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
        k->files = (long)r.rlim_cur;
    if (getrlimit(RLIMIT_FSIZE, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
        k->file_size = (double)r.rlim_cur;
    k->cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

/* "0", "2 3": those that this rank would drive. */
static void look_at_devices(const struct executor *x, const struct placement *p, struct doctor_rank *k)
{
    struct err why = { 0 };
    if (!x || !x->device_id)
        return;
    k->n_devices = x->devices(&why);
    for (int i = 0; x->reaches && i < k->n_devices; i++)
        for (int other = 0; other < i; other++, k->pairs++)
            k->apart += !(x->reaches(i, other) && x->reaches(other, i));
    size_t n = 0;
    for (int i = 0; i < p->n && n < sizeof k->device; i++)
        n += (size_t)snprintf(k->device + n, sizeof k->device - n, "%s%d", i ? " " : "", p->device[i]);
}

/* The first of a node looks at its folders; those of all ranks at once would measure each other. */
static void look_at_folders(const struct doctor_opts *o, struct doctor_rank *k)
{
    if (k->local != 0)
        return;
    folderprobe(o->answer->data_dir, &k->data);
    folderprobe(scratch_of(o), &k->scratch);
    if (o->answer->log_dir)
        folderprobe(o->answer->log_dir, &k->logs);
}

/* A file of rank 0's in the data folder, which it holds while the others look. */
static int hold(const char *dir, const struct job_info *in, char *name, size_t size)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    snprintf(name, size, "%s/.mtbench-probe.shared.%.60s.%ld", dir, in->host, (long)getpid());
    const int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        name[0] = '\0';
    else
        fcntl(fd, F_SETLK, &lock);       /* whether there are locks at all is the probe's to say */
    return fd;
}

/* Collective. Is the data folder one for all nodes, and do its locks hold between them? */
static void share_a_file(struct job *job, const char *dir, struct doctor_rank *k)
{
    const struct job_info in = job_info(job);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char name[PATH_MAX] = "";
    const int held = in.rank == 0 ? hold(dir, &in, name, sizeof name) : -1;
    job_bcast(job, name, sizeof name);
    k->sees_ours = k->kept_out = true;
    if (*name && in.rank > 0 && in.local_rank == 0) {
        const int fd = open(name, O_RDWR | O_CLOEXEC);
        k->sees_ours = fd >= 0;
        k->kept_out = fd >= 0 && fcntl(fd, F_SETLK, &lock) < 0 && (errno == EACCES || errno == EAGAIN);
        if (fd >= 0)
            close(fd);
    }
    job_barrier(job);                    /* all have looked */
    if (held >= 0) {
        unlink(name);
        close(held);
    }
}

static void gather_ranks(struct job *job, const struct doctor_opts *o, const struct executor *x, const struct placement *p,
                         struct doctor_facts *f)
{
    const struct job_info in = job_info(job);
    struct doctor_rank mine = { .node = in.node, .local = in.local_rank, .proc = f->name.proc, .n_procs = f->name.n_procs };
    struct doctor_rank *all = in.rank == 0 ? xcalloc((size_t)in.size, sizeof *all) : NULL;
    snprintf(mine.host, sizeof mine.host, "%s", in.host);
    struct layout *l = layout_create(job, (int)o->answer->threads);     /* before the cores are counted: it takes mpirun's binding off */
    mine.threads = l->n_threads;
    mine.node_cores = l->node_cores;
    mine.oversubscribed = l->oversubscribed;
    layout_destroy(l);
    look_at_limits(&mine);
    look_at_devices(x, p, &mine);
    look_at_folders(o, &mine);
    share_a_file(job, o->answer->data_dir, &mine);
    mine.clock = clocks_ahead(job);
    job_gather(job, &mine, sizeof mine, all);
    f->rank = all;
    f->n_ranks = in.rank == 0 ? in.size : 0;
}

/* ---- the model ---- */

/* Both ends, on one line: the beginning has the system text, the end what the answer goes on from. */
static void preview(const char *text, size_t n, char *out, size_t size)
{
    enum { END = 70 };
    struct buf b = {0};
    for (size_t i = 0; i < n; i++) {
        if (n > 2 * END && i == END) {
            buf_str(&b, "\" ... \"");
            i = n - END;
        }
        if (text[i] == '\n')
            buf_str(&b, "\\n");
        else
            buf_char(&b, text[i]);
    }
    snprintf(out, size, "\"%s\"", b.data ? b.data : "");
    buf_free(&b);
}

static void list_stops(const struct rig *r, struct doctor_facts *f)
{
    size_t n = 0;
    struct buf text = {0};
    f->n_stops = (int)r->stops.n;
    snprintf(f->stops, sizeof f->stops, "none");
    for (size_t i = 0; i < r->stops.n && n < sizeof f->stops; i++) {
        buf_clear(&text);
        tokenizer_decode(r->tokenizer, &r->stops.id[i], 1, 0, &text);
        n += (size_t)snprintf(f->stops + n, sizeof f->stops - n, "%s%d %s", i ? ", " : "", (int)r->stops.id[i], text.data ? text.data : "");
    }
    buf_free(&text);
}

static void look_at_prompt(const struct rig *r, const struct question *q, struct doctor_facts *f)
{
    const struct chat_message m = { "user", q ? q->turn[0] : "Hello", strlen(q ? q->turn[0] : "Hello") };
    struct prompt p = {0};
    snprintf(f->template, sizeof f->template, "%s", chat_name(r->chat));
    list_stops(r, f);
    if (q && answer_try_template(q, r, &f->prompt) < 0)
        return;
    if (prompt_build(&p, r->tokenizer, r->chat, &m, 1, &f->prompt) == 0)
        preview(p.text.data ? p.text.data : "", p.text.len, f->preview, sizeof f->preview);
    prompt_free(&p);
}

/* Collective. */
static void gather_model(struct job *job, const struct doctor_opts *o, const struct questions *qs, struct doctor_facts *f)
{
    struct rig r = {0};
    static const struct questions none;
    struct rig_opts ro = answer_rig_opts(o->answer, qs ? qs : &none);
    if (rig_open(&r, job, &ro, &f->model) == 0) {
        f->parameters = model_parameters(&r.model->config);
        f->context = r.model->config.context;
        snprintf(f->weights, sizeof f->weights, "%s", r.weights);
        look_at_prompt(&r, qs && qs->n ? &qs->q[0] : NULL, f);
        if (rig_plan(&r, &ro, &f->need, &f->memory) == 0)
            f->model_bytes = f->need.weights;
    }
    rig_close(&r);
}

/* ---- the judge ---- */

static void gather_local_judge(struct job *job, const struct judge_opts *j, struct doctor_facts *f)
{
    struct rig r = {0};
    const struct rig_opts ro = { .model_path = j->judge_path, .flag = "--judge-path", .model_id = j->judge_model, .fastchat = j->fastchat,
                                 .data_dir = j->data_dir, .base_path = j->judge_base_path, .threads = j->threads, .devices = j->devices,
                                 .max_batch = j->max_batch, .max_tokens = 4096 };
    if (rig_open(&r, job, &ro, &f->judge) == 0)
        rig_plan(&r, &ro, &f->judge_need, &f->judge_memory);
    rig_close(&r);
}

static void look_at_proxy(struct doctor_facts *f)
{
    static const char *const https[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
    static const char *const http[] = { "http_proxy", "all_proxy", "ALL_PROXY" };
    const bool tls = !strncmp(f->judge_url, "https:", 6);
    const char *const *names = tls ? https : http;
    const char *no = getenv("no_proxy") ? getenv("no_proxy") : getenv("NO_PROXY");
    char address[120];
    for (int i = 0; i < (tls ? 4 : 3) && !*f->proxy; i++)
        if (getenv(names[i]) && *getenv(names[i])) {
            doctor_hide_user(getenv(names[i]), address, sizeof address);
            snprintf(f->proxy, sizeof f->proxy, "%s=%s", names[i], address);
        }
    snprintf(f->no_proxy, sizeof f->no_proxy, "%s", no ? no : "");
    f->shouted_proxy = !tls && getenv("HTTP_PROXY") && !*f->proxy;
}

static bool told_to_stop(void *job)
{
    return job_poll(job) != JOB_RUNNING;
}

/* Rank 0: one short call, as a run itself makes it before anything is computed. The key is never among what is kept. */
static void call_judge(struct job *job, const struct judge_opts *j, struct doctor_facts *f)
{
    struct endpoint e = {0};
    const struct endpoint_opts eo = { .provider = j->provider, .base_url = j->base_url, .model = j->judge_model };
    struct purse purse = {0};
    if (endpoint_resolve(&e, &eo, &f->judge) < 0)
        return;
    doctor_hide_user(e.url, f->judge_url, sizeof f->judge_url);
    look_at_proxy(f);
    const struct caller_opts co = { .endpoint = &e, .parallel = 1, .timeout = j->timeout > 0 ? j->timeout : 60, .price_in = -1,
        .price_out = -1,
                                    .purse = &purse, .with_system = true, .stopped = told_to_stop, .stopped_ctx = job };
    struct transport *t = caller_create(&co, &f->judge);
    if (t) {
        caller_smoke(t, &f->judge);
        t->destroy(t->ctx);
    }
    endpoint_free(&e);
}

static void gather_judge(struct job *job, const struct doctor_opts *o, struct doctor_facts *f)
{
    const struct judge_opts *j = o->judge;
    struct judge_inputs in = {0};
    const bool root = job_info(job).rank == 0;
    f->local_judge = j->judge_path != NULL;
    snprintf(f->judge_name, sizeof f->judge_name, "%s", j->judge_model);
    if (root && o->model) {              /* else whose answers are judged is not known */
        f->inputs_read = judge_inputs_read(&in, j, o->answer->name, &f->inputs) == 0;
        judge_inputs_free(&in);
    }
    if (f->local_judge)
        gather_local_judge(job, j, f);
    else if (root)
        call_judge(job, j, f);
}

/* ---- the whole ---- */

void doctor_gather(struct job *job, const struct doctor_opts *o, struct doctor_facts *f)
{
    const struct job_info in = job_info(job);
    const struct executor *x = NULL;
    struct placement place = {0};
    struct questions qs = {0};
    const char *allocated = getenv("SLURM_NTASKS");
    *f = (struct doctor_facts){ .job = in, .library = job_library(), .name = *jobname_own(), .now = clock_unix(), .has_model = o->model,
                                .has_judge = o->judged, .wants_logs = o->answer->log_dir != NULL,
                                .wants_scratch = o->answer->scratch != NULL };
    f->allocated = allocated ? strtol(allocated, NULL, 10) : 0;
    if (rig_place(job, &o->answer->devices, &x, &place, &f->place) < 0)
        x = NULL;
    f->executor = x ? x->name : NULL;
    placement_words(&place, in.size, in.n_nodes, f->layout);
    gather_ranks(job, o, x, &place, f);
    const bool asked = answer_questions(job, o->answer, &qs, &f->questions) == 0;
    f->n_questions = asked ? qs.n : 0;
    if (o->model && x)
        gather_model(job, o, asked ? &qs : NULL, f);
    else if (o->model)
        f->model = f->place;
    if (o->judged)
        gather_judge(job, o, f);
    if (asked)
        questions_free(&qs);
    job_barrier(job);                    /* a judge is called by rank 0 alone; the others sleep here */
}

void doctor_facts_free(struct doctor_facts *f)
{
    free((void *)f->rank);
    f->rank = NULL;
}
