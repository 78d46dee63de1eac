/* doctor_checks.c - what the facts mean: one function a check, each a line. */
#include "doctor_facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The worst that is found is what the line says, of equals the first; how many more there are is counted. False: it was only counted. */
static bool __attribute__((format(printf, 3, 4))) found(struct doctor_line *l, enum doctor_level level, const char *fmt, ...)
{
    va_list ap;
    l->more = level > l->level ? 0 : l->more + (level == l->level && level > DOCTOR_OK);
    if (level < l->level || (level == l->level && level > DOCTOR_OK))
        return false;
    va_start(ap, fmt);
    vsnprintf(l->what, sizeof l->what, fmt, ap);
    va_end(ap);
    l->level = level;
    l->todo[0] = '\0';
    return true;
}

static void __attribute__((format(printf, 2, 3))) todo(struct doctor_line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(l->todo, sizeof l->todo, fmt, ap);
    va_end(ap);
}

/* An error says what to do behind its first semicolon. */
static void failed(struct doctor_line *l, enum doctor_level level, const struct err *e)
{
    const char *advice = strstr(e->text, "; ");
    const int n = advice ? (int)(advice - e->text) : (int)strlen(e->text);
    if (found(l, level, "%.*s", n, e->text))
        todo(l, "%s", advice ? advice + 2 : "");
}

static double gigabytes(uint64_t bytes)
{
    return (double)bytes / 1e9;
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

/* ---- the launch ---- */

static void check_launch(const struct doctor_facts *f, struct doctor_line *l)
{
    const struct job_info *j = &f->job;
    found(l, DOCTOR_OK, "%d rank%s on %d node%s, %s%s%s", j->size, plural(j->size), j->n_nodes, plural(j->n_nodes), f->library,
          *f->name.name ? ", job " : "", f->name.name);
    if (j->size == 1 && f->allocated > 1) {
        if (found(l, DOCTOR_WARNING, "one process, in a batch job of %ld tasks", f->allocated))
            todo(l, "start it by srun --mpi=pmix, or by mpirun, to use them all");
    }
    for (int r = 0; r < f->n_ranks; r++)
        if (l->level != DOCTOR_PROBLEM && f->rank[r].n_procs > 0 && f->rank[r].n_procs != j->size) {
            if (found(l, DOCTOR_PROBLEM, "Slurm started %d tasks, and MPI has %d ranks", f->rank[r].n_procs, j->size))
                todo(l, "type srun --mpi=pmix, so that both mean the same");
        }
}

static void check_environment(const struct doctor_facts *f, struct doctor_line *l)
{
    if (!*f->name.name && !f->name.n_doubts)
        return;
    found(l, DOCTOR_OK, "the batch job's variables fit each other");
    if (f->name.n_doubts) {
        const bool more = f->name.n_doubts > 1;
        if (found(l, DOCTOR_WARNING, "%s%s%s", f->name.doubt[0], more ? ", and " : "", more ? f->name.doubt[1] : ""))
            todo(l, "unset variables of another job before you start");
    }
}

static void check_time(const struct doctor_facts *f, struct doctor_line *l)
{
    const double left = f->name.ends - f->now;
    if (f->name.ends <= 0)
        return;
    found(l, DOCTOR_OK, "%.0f min are left of the job's time", left / 60);
    if (left < 600) {
        if (found(l, DOCTOR_WARNING, "%.0f s are left of the job's time", left))
            todo(l, "ask for more; what is finished by then is kept, and --signal=USR1@60 leaves time to write it");
    }
}

/* Nodes that differ from rank 0's clock; the farthest is named. */
static void check_clock(const struct doctor_facts *f, struct doctor_line *l)
{
    enum { WRITTEN = 1700000000 };       /* seconds since the epoch: no clock that is right says less */
    const struct doctor_rank *worst = &f->rank[0];
    int off = 0;
    for (int r = 0; r < f->n_ranks; r++) {
        const double d = f->rank[r].clock, most = worst->clock;
        off += f->rank[r].local == 0 && (d > 1 || d < -1);
        if ((d < 0 ? -d : d) > (most < 0 ? -most : most))
            worst = &f->rank[r];
    }
    found(l, DOCTOR_OK, f->job.n_nodes > 1 ? "the clocks of %d nodes agree to %.3f s" : "one node, one clock", f->job.n_nodes,
          worst->clock < 0 ? -worst->clock : worst->clock);
    const double stamp = f->rank[0].data.clock_ahead;
    if (f->rank[0].data.writable && (stamp > 1 || stamp < -1)) {
        if (found(l, DOCTOR_WARNING, "the server of %s stamps files %.1f s %s this node's clock", f->rank[0].data.path,
                  stamp < 0 ? -stamp : stamp,
                  stamp < 0 ? "behind" : "ahead of"))
            todo(l, "let both keep time by NTP; times in journals are this node's");
    }
    if (off) {
        if (found(l, DOCTOR_WARNING, "%d of %d nodes are off by more than a second: %s by %+.1f s", off, f->job.n_nodes, worst->host,
                  worst->clock))
            todo(l, "let all nodes keep time by NTP; times in logs and journals are not comparable between them");
    }
    if (f->now < WRITTEN) {
        if (found(l, DOCTOR_PROBLEM, "the clock of %s is years behind", f->rank[0].host))
            todo(l, "set it: certificates of servers do not hold at that time");
    }
}

/* ---- what computes ---- */

static void check_cores(const struct doctor_facts *f, struct doctor_line *l)
{
    const struct doctor_rank *first = &f->rank[0];
    found(l, DOCTOR_OK, "%d thread%s a rank, of %d cores that the ranks of %s may use", first->threads, plural(first->threads),
          first->node_cores, first->host);
    for (int r = 0; r < f->n_ranks; r++) {
        const struct doctor_rank *k = &f->rank[r];
        int here = 0;
        for (int i = 0; i < f->n_ranks; i++)
            here += f->rank[i].node == k->node;
        if (k->local == 0 && k->oversubscribed) {
            if (found(l, DOCTOR_WARNING, "%s: %d ranks with %d thread%s each share %d core%s", k->host, here, k->threads,
                      plural(k->threads), k->node_cores, plural(k->node_cores)))
                todo(l, "start fewer ranks there, or give --threads 1");
        }
    }
}

/* A batch system that gives each task one core of many: srun -n 1 without --cpus-per-task. */
static void check_pinning(const struct doctor_facts *f, struct doctor_line *l)
{
    int one = 0;
    for (int r = 0; r < f->n_ranks; r++)
        one += f->rank[r].cores == 1;
    found(l, DOCTOR_OK, "ranks are not held to one core");
    if (one && f->executor && !strcmp(f->executor, "cpu")) {
        if (found(l, DOCTOR_WARNING, "%d of %d ranks may run on one core only", one, f->n_ranks))
            todo(l, "give each its share: srun --cpus-per-task=N, mpirun --map-by slot:PE=N; right where ranks are as many as cores");
    }
}

static void check_devices(const struct doctor_facts *f, struct doctor_line *l)
{
    if (f->place.kind) {
        failed(l, DOCTOR_PROBLEM, &f->place);
        return;
    }
    if (f->rank[0].n_devices == 0) {
        found(l, DOCTOR_OK, "%s, %s: no GPU is used", f->layout, f->executor);
        return;
    }
    char list[300] = "";
    for (int r = 0, n = 0; r < f->n_ranks && n < (int)sizeof list - 80; r++)
        n += snprintf(list + n, sizeof list - (size_t)n, "%srank %d: GPU %s of %d on %s", r ? ", " : "", r, f->rank[r].device,
                      f->rank[r].n_devices, f->rank[r].host);
    found(l, DOCTOR_OK, "%s, %s: %s", f->layout, f->executor, list);
    for (int r = 0; r < f->n_ranks; r++) {
        int here = 0;
        for (int i = 0; i < f->n_ranks; i++)
            here += f->rank[i].node == f->rank[r].node;
        if (f->rank[r].local == 0 && here > 1 && f->rank[r].n_devices == 1) {
            if (found(l, DOCTOR_WARNING, "%s: each of %d ranks sees one GPU, and none of its neighbours'", f->rank[r].host, here))
                todo(l, "fine for one GPU a model; for models over several ask for --gpus-per-node with --gpu-bind=none");
        }
    }
}

static void check_peers(const struct doctor_facts *f, struct doctor_line *l)
{
    int pairs = 0;
    for (int r = 0; r < f->n_ranks; r++)
        pairs += f->rank[r].pairs;
    if (f->place.kind || pairs == 0)
        return;
    found(l, DOCTOR_OK, "the GPUs that a rank sees read each other's memory");
    for (int r = 0; r < f->n_ranks; r++) {
        const struct doctor_rank *k = &f->rank[r];
        if (k->apart && found(l, DOCTOR_WARNING, "%s: %d of %d pairs of GPUs that rank %d sees do not reach each other's memory", k->host,
                              k->apart, k->pairs, r))
            todo(l, "fine for one GPU a model; where one is spread over several, choose cards of one switch (nvidia-smi topo -p2p r)");
    }
}

static void check_limits(const struct doctor_facts *f, struct doctor_line *l)
{
    enum { FILES = 256 };
    found(l, DOCTOR_OK, "open files and their sizes are not held short");
    for (int r = 0; r < f->n_ranks; r++) {
        if (f->rank[r].local != 0)
            continue;
        if (f->rank[r].files >= 0 && f->rank[r].files < FILES) {
            if (found(l, DOCTOR_WARNING, "%s: %ld files may be open, calls of a judge and shards of a model need more", f->rank[r].host,
                      f->rank[r].files))
                todo(l, "ulimit -n 1024");
        }
        if (f->rank[r].file_size >= 0 && f->rank[r].file_size < 1e9) {
            if (found(l, DOCTOR_WARNING, "%s: a file may have %.0f MB", f->rank[r].host, f->rank[r].file_size / 1e6))
                todo(l, "ulimit -f unlimited");
        }
    }
}

/* ---- folders ---- */

static void slow_or_unlocked(const struct folderprobe *p, const char *flag, struct doctor_line *l)
{
    if (p->flush > 0.5) {
        if (found(l, DOCTOR_WARNING, "%s (%s): a line takes %.1f s to get to its disk", p->path, p->system, p->flush))
            todo(l, "each finished turn waits for that; another %s would be quicker", flag);
    } else if (p->megabytes_per_second < 5) {
        if (found(l, DOCTOR_WARNING, "%s (%s): takes %.1f MB/s", p->path, p->system, p->megabytes_per_second))
            todo(l, "ask who looks after it, or choose another %s", flag);
    }
    if (!p->locks) {
        if (found(l, DOCTOR_WARNING, "%s (%s): has no locks (%s)", p->path, p->system, p->why))
            todo(l, "two runs on one file are kept apart by %s; give each run a --model-id of its own",
                 p->links ? "ID.journal.holder alone" : "nothing, as it has no symbolic links either");
    }
}

static void check_data(const struct doctor_facts *f, struct doctor_line *l)
{
    const struct folderprobe *p = &f->rank[0].data;
    int without = 0;
    const char *host = "";
    for (int r = 0; r < f->n_ranks; r++)
        if (f->rank[r].local == 0 && !f->rank[r].data.there) {
            without++;
            host = f->rank[r].host;
        }
    found(l, DOCTOR_OK, "%s (%s): %.0f MB/s, %.1f ms a flushed line%s%s", p->path, p->system, p->megabytes_per_second, p->flush * 1e3,
          p->locks ? ", locks" : "", p->links ? ", links" : "");
    if (p->writable)
        slow_or_unlocked(p, "--data-dir", l);
    for (int r = 0; r < f->n_ranks; r++) {
        const struct doctor_rank *k = &f->rank[r];
        if (k->local == 0 && k->data.there && !k->sees_ours) {
            if (found(l, DOCTOR_WARNING, "%s: is another folder on %s than on %s", p->path, k->host, f->rank[0].host))
                todo(l, "a run reads and writes it on rank 0's node alone (%s); choose a shared folder if that node may change",
                 f->rank[0].host);
        } else if (k->local == 0 && p->locks && k->sees_ours && !k->kept_out) {
            if (found(l, DOCTOR_WARNING, "%s (%s): a lock of %s does not keep %s out", p->path, p->system, f->rank[0].host, k->host))
                todo(l, "runs on several nodes must not share a --model-id or a judge's file; a mount whose locks hold would do");
        }
    }
    if (without && p->there) {
        if (found(l, DOCTOR_WARNING, "%s: is not there on %d of %d nodes, such as %s", p->path, without, f->job.n_nodes, host))
            todo(l, "a run reads and writes it on rank 0's node alone (%s); choose a shared folder if that node may change",
                 f->rank[0].host);
    }
    if (!p->there || !p->writable) {
        if (found(l, DOCTOR_PROBLEM, "%s: %s on %s%s%s", p->path, p->there ? "cannot be written" : "is not there", f->rank[0].host,
                  *p->why ? ": " : "", p->why))
            todo(l, "name the folder of the question sets by --data-dir; mtbench fetch --data-dir DIR brings the official one there");
    }
}

static void check_scratch(const struct doctor_facts *f, struct doctor_line *l)
{
    const struct folderprobe *p = &f->rank[0].scratch;
    const enum doctor_level bad = f->wants_scratch ? DOCTOR_PROBLEM : DOCTOR_WARNING;
    found(l, DOCTOR_OK, "%s (%s): %.0f MB/s, %.1f GB free on %s", p->path, p->system, p->megabytes_per_second, gigabytes(p->room),
          f->rank[0].host);
    for (int r = 0; r < f->n_ranks; r++) {
        const struct doctor_rank *k = &f->rank[r];
        if (k->local != 0)
            continue;
        if (k->scratch.writable && f->model_bytes && k->scratch.room < f->model_bytes) {
            if (found(l, f->wants_scratch ? DOCTOR_WARNING : DOCTOR_OK, "%s: %.1f GB are free on %s, the model's files have %.1f GB",
                      k->scratch.path,
                      gigabytes(k->scratch.room), k->host, gigabytes(f->model_bytes)))
                todo(l, "%s", f->wants_scratch ? "weights are read from where they lie; give another --scratch to stage them" : "");
        }
        if (!k->scratch.writable) {
            if (found(l, bad, "%s: cannot be written on %s: %s", k->scratch.path, k->host, k->scratch.why))
                todo(l, "name a folder that each node can write to by --scratch or TMPDIR");
        }
    }
}

static void check_logs(const struct doctor_facts *f, struct doctor_line *l)
{
    if (!f->wants_logs)
        return;
    found(l, DOCTOR_OK, "%s: every node can write there", f->rank[0].logs.path);
    for (int r = 0; r < f->n_ranks; r++)
        if (f->rank[r].local == 0 && !f->rank[r].logs.writable) {
            if (found(l, DOCTOR_PROBLEM, "%s: cannot be written on %s: %s", f->rank[r].logs.path, f->rank[r].host, f->rank[r].logs.why))
                todo(l, "name a folder that each node can write to by --log-dir");
        }
}

static void check_space(const struct doctor_facts *f, struct doctor_line *l)
{
    const struct folderprobe *p = &f->rank[0].data;
    /* answers, judgments and both journals of a question take some 60 kB at most; merging writes the old lines once more */
    const double need = 4e6 + 120e3 * f->n_questions;
    if (!p->writable)
        return;
    found(l, DOCTOR_OK, "%.1f GB are free in %s", gigabytes(p->room), p->path);
    if ((double)p->room < 10 * need) {
        if (found(l, DOCTOR_WARNING, "%.1f MB are free in %s", (double)p->room / 1e6, p->path))
            todo(l, "make room; a full disk ends a run, which then goes on from what is finished");
    }
    if ((double)p->room < need) {
        if (found(l, DOCTOR_PROBLEM, "%.1f MB are free in %s, a run may write %.1f MB", (double)p->room / 1e6, p->path, need / 1e6))
            todo(l, "make room, or choose another --data-dir");
    }
}

/* ---- the model ---- */

static void check_questions(const struct doctor_facts *f, struct doctor_line *l)
{
    if (f->questions.kind)
        failed(l, DOCTOR_PROBLEM, &f->questions);
    else if (f->n_questions)
        found(l, DOCTOR_OK, "%d questions", f->n_questions);
}

static void check_model(const struct doctor_facts *f, struct doctor_line *l)
{
    if (f->model.kind)
        failed(l, DOCTOR_PROBLEM, &f->model);
    else if (f->has_model)
        found(l, DOCTOR_OK, "%.1f million parameters, %s, context %d", f->parameters / 1e6, f->weights, f->context);
}

static void memory_of(const struct rig_memory *m, const struct err *e, struct doctor_line *l)
{
    if (e->kind) {
        failed(l, DOCTOR_PROBLEM, e);
        return;
    }
    const uint64_t need = rig_memory_node(m);
    found(l, DOCTOR_OK, "%.2f GB of %.2f GB that this %s can give", gigabytes(need), gigabytes(m->available), m->device ? "GPU" : "node");
    if (need > m->available - m->available / 10) {
        if (found(l, DOCTOR_WARNING, "%.2f GB of %.2f GB: less than a tenth of this %s's memory stays free", gigabytes(need),
                  gigabytes(m->available),
                  m->device ? "GPU" : "node"))
            todo(l, "a smaller --max-batch, or fewer ranks a node");
    }
}

static void check_memory(const struct doctor_facts *f, struct doctor_line *l)
{
    if (f->has_model && !f->model.kind)
        memory_of(&f->need, &f->memory, l);
}

static void check_template(const struct doctor_facts *f, struct doctor_line *l)
{
    if (!f->has_model || f->model.kind)
        return;
    if (f->prompt.kind) {
        failed(l, DOCTOR_PROBLEM, &f->prompt);
        return;
    }
    found(l, DOCTOR_OK, "%s: %s stops at %s", f->template, f->preview, f->stops);
    if (f->n_stops == 0) {
        if (found(l, DOCTOR_WARNING, "%s: %s no token ends an answer", f->template, f->preview))
            todo(l, "answers would run to --max-new-token; choose another template by --chat-template, or mend its tokenizer files");
    }
}

/* ---- the judge ---- */

static void check_inputs(const struct doctor_facts *f, struct doctor_line *l)
{
    if (f->inputs.kind)
        failed(l, DOCTOR_PROBLEM, &f->inputs);
    else if (f->inputs_read)
        found(l, DOCTOR_OK, "judge prompts and reference answers are there");
}

static void check_proxy(const struct doctor_facts *f, struct doctor_line *l)
{
    if (!f->has_judge || f->local_judge)
        return;
    found(l, DOCTOR_OK, *f->proxy ? "%s" : "none is set: straight to the server", f->proxy);
    if (f->shouted_proxy) {
        if (found(l, DOCTOR_WARNING, "HTTP_PROXY is set, which is not read in capitals"))
            todo(l, "set http_proxy, or HTTPS_PROXY for https addresses");
    }
    if (*f->proxy && doctor_is_near(f->judge_url) && !*f->no_proxy) {
        if (found(l, DOCTOR_WARNING, "%s, also for %s, which is near", f->proxy, f->judge_url))
            todo(l, "name its host in NO_PROXY");
    }
}

static void check_judge(const struct doctor_facts *f, struct doctor_line *l)
{
    if (!f->has_judge)
        return;
    if (f->judge.kind)
        failed(l, DOCTOR_PROBLEM, &f->judge);
    else if (f->local_judge)
        memory_of(&f->judge_need, &f->judge_memory, l);
    else
        found(l, DOCTOR_OK, "%s answers at %s", f->judge_name, f->judge_url);
}

const struct doctor_check doctor_checks[] = {
    { "launch", check_launch },
    { "variables", check_environment },
    { "time", check_time },
    { "clock", check_clock },
    { "cores", check_cores },
    { "pinning", check_pinning },
    { "devices", check_devices },
    { "peers", check_peers },
    { "limits", check_limits },
    { "data", check_data },
    { "space", check_space },
    { "scratch", check_scratch },
    { "logs", check_logs },
    { "questions", check_questions },
    { "model", check_model },
    { "memory", check_memory },
    { "template", check_template },
    { "inputs", check_inputs },
    { "proxy", check_proxy },
    { "judge", check_judge },
};
const int doctor_n_checks = sizeof doctor_checks / sizeof *doctor_checks;
_Static_assert(sizeof doctor_checks / sizeof *doctor_checks <= DOCTOR_LINES, "room for the lines");
