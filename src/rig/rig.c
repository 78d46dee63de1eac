/* rig.c - a model made ready to run on this rank.
 * With a job, bytes come through its stage (each leaves the file system once) and the packed weights lie in memory that a node shares; a
 * process alone reads and keeps them itself. Every phase that may fail on one rank ends in an agreement. */
#include "mtbench/rig.h"

#include "fastchat_file.h"
#include "published.h"
#include "replica.h"
#include "textfiles.h"
#include "where.h"

#include "mtbench/clock.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/memory.h"
#include "mtbench/modelpath.h"
#include "mtbench/stops.h"
#include "mtbench/watch.h"
#include "mtbench/wrappers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_SPECIAL = 256, MAX_THREADS = 1024 };

struct rig_parts {
    struct job *job;
    struct modelpath path;
    struct stage *stage;
    struct source *files;                /* without a job */
    struct layout *layout;
    const void *group;                   /* the ranks of this one's replica, where they are several */
    struct replica replica;
    double instant;                      /* rig_instant() */
    struct buf jinja;                    /* the model's own template */
    struct buf file;                     /* the user's template file */
    struct buf fastchat, fastchat_place; /* FastChat's conversation.py and its name, where the template needs it */
    char *text_source;                   /* rig_text_source() */
    const char *special[MAX_SPECIAL];
    int n_special;
};

static int agree(struct rig_parts *p, int rc, struct err *err)
{
    return p->job ? job_agree(p->job, rc, err) : rc;
}

/* ---- files ---- */

/* Is this name the publisher's, an id of the hub or a folder of its cache? A folder of the user's is called what he likes. */
static bool is_publishers(const char *path)
{
    return strstr(path, "models--") || access(path, F_OK) < 0;
}

static int check_name(const char *path, struct err *err)
{
    return is_publishers(path) ? published_check_whole(path, err) : 0;
}

/* Rank 0. A name that is known to be of differences is refused before its files are looked for, which need not be there; then come the
 * names of those that were found, as an adapter's base has one of its own. */
static int find_files(struct rig_parts *p, const struct rig_opts *o, struct err *err)
{
    int rc = check_name(o->model_path, err);
    if (rc == 0)
        rc = modelpath_resolve(o->model_path, o->revision, o->base_path, &p->path, err);
    for (int i = 0; rc == 0 && i < p->path.n; i++) {
        const char *slash = strrchr(p->path.path[i], '/');
        char *folder = xstrndup(p->path.path[i], slash ? (size_t)(slash - p->path.path[i]) : 0);
        rc = *folder ? check_name(folder, err) : 0;
        free(folder);
    }
    return rc;
}

int rig_foretell(const char *name, struct err *err)
{
    if (published_check_whole(name, err) < 0)
        return -1;
    struct err why = { .kind = ERR_IO }; /* as if it could not be found */
    published_advise(name, &why);
    if (why.kind != ERR_MODEL)
        return 0;
    *err = why;
    return -1;
}

/* modelpath.h speaks of --model-path and its base, and a judge's paths are other flags'. */
static int name_flag(const struct rig_opts *o, struct err *err)
{
    static const char usual[] = "--model-path", base[] = "--base-model-path";
    const struct err said = *err;
    const char *at = strstr(said.text, base);
    if (o->flag && !strncmp(said.text, usual, sizeof usual - 1))
        err_set(err, said.kind, "%s%s", o->flag, said.text + sizeof usual - 1);
    else if (o->flag && at && !strcmp(o->flag, "--judge-path"))
        err_set(err, said.kind, "%.*s--judge-base-model-path%s", (int)(at - said.text), said.text, at + sizeof base - 1);
    return -1;
}

static int open_files(struct rig_parts *p, const struct rig_opts *o, struct err *err)
{
    int rc = 0;
    watch_begin(WATCH_WORKS, "looking for the files of %s", o->model_path);
    if (!p->job || job_info(p->job).rank == 0)
        rc = find_files(p, o, err) < 0 ? name_flag(o, err) : 0;
    watch_end();
    if (agree(p, rc, err) < 0)
        return err_advise(err, "check the path and who may read it");
    if (p->job)
        p->stage = stage_open(p->job, (const char *const *)p->path.path, p->path.n, err);
    else
        p->files = source_files_open((const char *const *)p->path.path, p->path.n, err);
    return p->stage || p->files ? 0 : err_advise(err, "check the path and who may read it");
}

static const struct source *metadata(const struct rig_parts *p)
{
    return p->job ? stage_metadata(p->stage) : p->files;
}

/* ---- tokenizer ---- */

static int open_tokenizer(struct rig *r, const struct rig_opts *o, struct err *err)
{
    const struct source *s = metadata(r->parts);
    const struct gguf *g = model_gguf(r->model);
    r->tokenizer = g ? textfiles_gguf_tokenizer(g, err) : textfiles_tokenizer(s, err);
    if (!r->tokenizer) {
        err_advise(err, "copy the tokenizer of this model again, or choose a model whose tokenizer is known");
        return err_wrap(err, "%s", o->model_path);
    }
    const char *text;
    /* for the template's cleaning of answers; texts are the tokenizer's, which outlives the chat */
    while (r->parts->n_special < MAX_SPECIAL && (text = tokenizer_special(r->tokenizer, r->parts->n_special)))
        r->parts->special[r->parts->n_special++] = text;
    return 0;
}

/* ---- template ---- */

/* --chat-template: "auto", a name, or the path of a file, which rank 0 reads and sends to all. A word with a dot but no slash may be
 * either: it is a file if there is one. */
static int read_template_file(struct rig_parts *p, const struct rig_opts *o, struct err *err)
{
    const char *word = o->chat_template;
    bool is_file = false;                /* an empty file is one, too */
    int rc = 0;
    if (!word || !strpbrk(word, "/."))                                              /* the same on all ranks: no agreement is needed */
        return 0;
    if (!p->job || job_info(p->job).rank == 0) {
        is_file = io_read(word, &p->file, err) == 0;
        if (!is_file && strchr(word, '/'))
            rc = err_wrap(err, "--chat-template"), err_advise(err, "give a Jinja file that can be read");
    }
    if (agree(p, rc, err) < 0)
        return -1;
    if (!p->job)
        return 0;
    job_bcast(p->job, &is_file, sizeof is_file);
    if (is_file)                         /* else a name with a dot, such as one of FastChat's */
        job_bcast_buf(p->job, &p->file);
    return 0;
}

const struct source *rig_files(const struct rig *r)
{
    return metadata(r->parts);
}

double rig_instant(const struct rig *r)
{
    return r->parts->instant;
}

void rig_set_instant(struct rig *r, double wall_clock)
{
    r->parts->instant = wall_clock;
    chat_set_now(r->chat, wall_clock);
}

/* Rank 0 looks and reads, all get it. None is there: nothing, and chat_create() says what to do. */
static int read_fastchat(struct rig_parts *p, const struct rig_opts *o, struct err *err)
{
    char *path = NULL, hex[65];
    int rc = 0;
    if (!p->job || job_info(p->job).rank == 0) {
        rc = fastchat_file_find(o->fastchat, o->data_dir, &path, err);
        if (rc == 0 && path && (rc = io_read(path, &p->fastchat, err)) == 0)
            buf_str(&p->fastchat_place, path);
        free(path);
    }
    if (agree(p, rc, err) < 0)
        return err_advise(err, "name another FastChat by --fastchat PATH");
    if (p->job) {
        job_bcast_buf(p->job, &p->fastchat);
        job_bcast_buf(p->job, &p->fastchat_place);
    }
    buf_str(&p->fastchat, "");           /* an empty file is one, too */
    buf_str(&p->fastchat_place, "");     /* its NUL, which is not sent */
    if (p->fastchat_place.len) {
        sha256_hex(p->fastchat.data, p->fastchat.len, hex);
        p->text_source = xasprintf("%s, SHA-256 %s", p->fastchat_place.data, hex);
    }
    return 0;
}

const char *rig_text_source(const struct rig *r)
{
    return r->parts->text_source;
}

/* The model's own template where it counts: one that the user chose spares a broken one in the model's files. */
static int read_own_template(struct rig *r, const struct rig_opts *o, struct err *err)
{
    struct rig_parts *p = r->parts;
    const struct gguf *g = model_gguf(r->model);
    if (p->file.data || (o->chat_template && strcmp(o->chat_template, "auto")))
        return 0;
    return g ? textfiles_gguf_template(g, &p->jinja, err) : textfiles_template(metadata(p), &p->jinja, err);
}

/* By which FastChat's rules know the base of an adapter. */
static const char *base_name(const struct model *m)
{
    const struct adapter_facts *a = model_adapter(m);
    return !a ? NULL : *a->base ? a->base : a->folder;
}

static int open_chat(struct rig *r, const struct rig_opts *o, struct err *err)
{
    struct rig_parts *p = r->parts;
    const struct tokenizer *t = r->tokenizer;
    /* one for all ranks: two that start around midnight must not print two dates */
    p->instant = chat_wall_clock(clock_unix());
    if (p->job)
        job_bcast(p->job, &p->instant, sizeof p->instant);
    if (agree(p, read_own_template(r, o, err), err) < 0)
        return err_advise(err, "correct the template, or choose another by --chat-template");
    struct chat_opts c = {
        /* the file's bytes are at hand, its name no longer matters */
        .choice = p->file.data ? "file" : o->chat_template, .file = p->file.data, .n_file = p->file.len,
        .own = p->jinja.len ? p->jinja.data : NULL, .n_own = p->jinja.len,
        .model_id = o->model_id ? o->model_id : "", .model_path = o->model_path, .base_name = base_name(r->model),
        .bos = tokenizer_role_text(t, "bos"), .eos = tokenizer_role_text(t, "eos"), .unk = tokenizer_role_text(t, "unk"),
        .pad = tokenizer_role_text(t, "pad"), .sep = tokenizer_role_text(t, "sep"), .cls = tokenizer_role_text(t, "cls"),
        .mask = tokenizer_role_text(t, "mask"),
        .special = p->special, .n_special = p->n_special, .now = p->instant,
    };
    c.additional = tokenizer_additional(t, &c.n_additional);
    if (chat_needs_fastchat(&c) && read_fastchat(p, o, err) < 0) /* all ranks have the same options, so all or none read */
        return -1;
    if (p->text_source)
        c.fastchat = p->fastchat.data, c.n_fastchat = p->fastchat.len, c.fastchat_place = p->fastchat_place.data;
    r->chat = chat_create(&c, err);
    if (r->chat && p->text_source && (!p->job || job_info(p->job).rank == 0))
        log_note("template %s: its text is read from %s", chat_name(r->chat), p->text_source);
    return agree(p, r->chat ? 0 : err_advise(err, "correct the template, or choose another by --chat-template"), err);
}

static void forget_chat(struct rig *r)
{
    struct rig_parts *p = r->parts;
    chat_destroy(r->chat);
    r->chat = NULL;
    buf_free(&p->jinja);
    buf_free(&p->file);
    buf_free(&p->fastchat);
    buf_free(&p->fastchat_place);
    free(p->text_source);
    p->text_source = NULL;
    ids_free(&r->stops);
}

int rig_choose_chat(struct rig *r, const struct rig_opts *o, struct err *err)
{
    forget_chat(r);
    if (read_template_file(r->parts, o, err) < 0 || open_chat(r, o, err) < 0)
        return -1;
    stops_find(&r->model->config, r->tokenizer, r->chat, &r->stops);
    return 0;
}

/* ---- weights and engine ---- */

/* The flag, else what OpenMP's programs are told by; of a list the first number, as of the outermost level. 0: neither says. */
static int wanted_threads(const struct rig_opts *o)
{
    const char *text = getenv("OMP_NUM_THREADS");
    char *end;
    long n = o->threads ? o->threads : text ? strtol(text, &end, 10) : 0;           /* "4,2" of nested levels: the first */
    return n >= 1 && n <= MAX_THREADS ? (int)n : 0;
}

/* A layout has looked at all ranks of the node; alone, the affinity mask decides. */
static struct replica_cores cores_of(const struct rig_parts *p, const struct rig_opts *o)
{
    const struct layout *l = p->layout;
    return l ? (struct replica_cores){ .threads = l->n_threads, .cpu = l->cpu, .crowded = l->oversubscribed }
             : (struct replica_cores){ .threads = wanted_threads(o) };
}

static int open_backends(struct rig *r, const struct replica_cores *cores, struct err *err)
{
    struct rig_parts *p = r->parts;
    if (replica_open_backends(&p->replica, cores, err) < 0)
        return -1;
    r->be = p->replica.be[0];
    r->n_threads = replica_threads(&p->replica);
    r->isa = r->executor->path(r->be);
    return 0;
}

/* The last norm of a trained model scales by about 1 or more; differences from another model's weights are all near 0, and would run. A
 * name alone proves nothing, as whole models are called "delta", too; with such weights it is believed. Other names only get a word: the
 * weights may be meant. */
static int check_weights(const struct rig *r, const char *path, struct err *err)
{
    const struct job *job = r->parts->job;
    double sum = 0;
    int dim = r->model->config.dim;
    float *norm = xcalloc((size_t)dim, sizeof *norm);
    r->model->ops->download(r->be, norm, r->model->final_norm, (size_t)dim * sizeof *norm);
    const int rc = r->model->ops->drawn(r->be, NULL, NULL, 0, err);                /* a download does not say that it failed */
    for (int i = 0; i < dim; i++)
        sum += fabs((double)norm[i]);
    free(norm);
    if (rc < 0 || sum >= 0.1 * dim)
        return rc;
    if (published_check_whole(path, err) < 0)
        return -1;
    if (!job || job_info(job).rank == 0)
        log_note("the weights of the last norm are near 0 (%.4f on average): if these are only differences from another model's weights (a "
                 "delta), the answers are rubbish", sum / dim);
    return 0;
}

static int load_weights(struct rig *r, const struct rig_opts *o, struct err *err)
{
    struct rig_parts *p = r->parts;
    const bool packs = replica_packs(&p->replica, p->job);
    const enum stage_takers takers = r->executor->node_weights ? STAGE_LEADERS : STAGE_EVERYONE;
    if (agree(p, replica_attach(&p->replica, p->job, err), err) < 0)
        return -1;
    if (p->job && o->scratch && stage_to_scratch(p->stage, o->scratch, err) < 0)
        return -1;
    if (p->job && stage_weights_begin(p->stage, takers, p->layout, err) < 0)
        return -1;
    /* who does not pack helps to read, and waits in the end of it */
    int rc = packs ? replica_load(&p->replica, p->job ? stage_weights(p->stage) : p->files, err) : 0;
    if (p->job)
        rc = stage_weights_end(p->stage, rc);                                       /* all hear the worst word of any */
    if (agree(p, rc, err) < 0)
        return -1;
    if (p->job && stage_digest(p->stage, r->model_sha256, err) < 0)
        return -1;
    if (p->job) {
        struct stage_stats read = stage_stats(p->stage);
        log_verbose("read %.1f MB from files for a model of %.1f MB: %.2f of its bytes", (double)read.bytes_read / 1e6,
                    (double)read.file_bytes / 1e6, (double)read.bytes_read / (double)read.file_bytes);
        stage_forget(p->stage); /* pages of the file in the system's cache: room for the KV cache */
    }
    return agree(p, check_weights(r, o->model_path, err), err);
}

static bool told_to_stop(void *job)
{
    return job_poll(job) != JOB_RUNNING;                                            /* cheap: asked before each layer */
}

static void look_around(void *job)
{
    job_poll(job);                       /* for one that died, above all */
}

uint64_t rig_memory_rank(const struct rig_memory *m)
{
    return m->engine.kv + m->engine.activations + m->engine.rotations + m->engine.other + m->scratch;
}

uint64_t rig_memory_node(const struct rig_memory *m)
{
    return m->weights + (uint64_t)m->local * rig_memory_rank(m);
}

/* What the node has of the files in its hands while it loads. Collective. */
static uint64_t reading_bytes(const struct rig *r)
{
    const struct rig_parts *p = r->parts;
    const uint64_t pieces = model_load_bytes(r->model);
    if (!p->job)
        return pieces;
    const int packers = r->executor->node_weights ? 1 : job_info(p->job).local_size;
    return stage_weights_bytes(p->stage, p->layout) + (uint64_t)packers * pieces;
}

/* Before any weight is read: what the ranks of this node will take, and that it is there. */
static int plan_memory(struct rig *r, const struct rig_opts *o, struct engine_opts *e, struct rig_memory *m, struct err *err)
{
    struct job *job = r->parts->job;
    const bool device = !r->executor->node_weights;
    *m = (struct rig_memory){ .available = replica_memory(&r->parts->replica), .scratch = replica_scratch(&r->parts->replica),
                              .local = job && !device ? job_info(job).local_size : 1, .device = device, .reading = reading_bytes(r),
                              .adapter = model_adapter(r->model) ? model_adapter(r->model)->bytes : 0 };
    m->weights = replica_weights(&r->parts->replica, m->local);
    /* what is left beside the node's one copy of the weights, in equal parts; an adapter waits in the machine's memory. What the reading
     * takes is free again before an engine takes any */
    const uint64_t taken = m->weights + (device ? 0 : m->adapter), most = taken + (device ? 0 : m->reading);
    const uint64_t left = m->available > taken ? (m->available - taken) / (uint64_t)m->local : 0;
    *e = (struct engine_opts){
        .max_batch = (int)o->max_batch, .max_rows = r->executor->max_rows, .mem_available = left > m->scratch ? left - m->scratch : 1,
    };
    e->max_tokens = o->max_tokens && o->max_tokens < r->model->config.context ? (int)o->max_tokens : 0; /* 0: the context */
    if (m->available < most)
        return err_set(err, ERR_MEMORY,
                       "weights: need %.1f MB of memory while they are loaded, this %s has %.1f MB to give; use a smaller model or a %s",
                       (double)most / 1e6, device ? "GPU" : "machine", (double)m->available / 1e6,
                       device ? "larger GPU, a free one, or --device cpu" : "quantised one");
    if (engine_plan(r->team, e, &m->engine, err) < 0)
        return -1;
    e->mem_available = 0;                /* checked now; later much of it will be taken, by this very plan */
    return 0;
}

static void say_memory(const struct rig_memory *m)
{
    const struct engine_plan *p = &m->engine;
    log_verbose(
        "memory of a rank: KV cache %.1f MB (up to %d pages of %d positions, %d sequences of up to %d tokens), activations %.1f MB, "
        "rotation table %.1f MB, scratch %.1f MB, other %.1f MB",
        (double)p->kv / 1e6, p->pages, KV_PAGE, p->max_batch, p->max_tokens, (double)p->activations / 1e6, (double)p->rotations / 1e6,
        (double)m->scratch / 1e6, (double)p->other / 1e6);
    log_verbose("memory of a %s: weights %.1f MB, %d %s %.1f MB, together %.1f MB of %.1f MB available", m->device ? "GPU" : "node",
                (double)m->weights / 1e6, m->local, m->local > 1 ? "ranks of up to" : "rank of up to", (double)rig_memory_rank(m) / 1e6,
                (double)rig_memory_node(m) / 1e6, (double)m->available / 1e6);
    log_verbose("memory of a node while the weights are loaded: %.1f MB more for reading, %.1f MB for an adapter", (double)m->reading / 1e6,
                (double)m->adapter / 1e6);
}

struct peak { uint64_t all, weights, kv; };

void rig_say_peak(const struct rig *r)
{
    struct job *job = r->parts->job;
    struct peak mine = { memory_peak(), replica_weights(&r->parts->replica, 1), 0 }, most = {0};
    struct peak *all = xcalloc((size_t)job_info(job).size, sizeof *all);
    if (r->engine) /* a rank that follows has touched as many, and is of the same size */
        mine.kv = (uint64_t)engine_stats(r->engine).pages_touched * team_page_bytes(r->team);
    job_gather(job, &mine, sizeof mine, all);
    for (int i = 0; i < job_info(job).size; i++)
        most = all[i].all > most.all ? all[i] : most;
    if (!r->executor->node_weights)
        log_verbose("peak memory of a rank: %.1f MB, beside what lies on its device", (double)most.all / 1e6);
    else
        log_verbose("peak memory of a rank: %.1f MB = weights %.1f (shared by a node) + KV cache %.1f + rest %.1f", (double)most.all / 1e6,
                    (double)most.weights / 1e6, (double)most.kv / 1e6, ((double)most.all - (double)most.weights - (double)most.kv) / 1e6);
    free(all);
}

static bool in_folder(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    const size_t n = slash ? (size_t)(slash - path) : 0;
    return n == strlen(folder) && !memcmp(path, folder, n);
}

/* Of all files, and of an adapter's base alone, so that another base can be told from another adapter. */
static int digest_headers(struct rig *r, struct err *err)
{
    const struct source *s = metadata(r->parts);
    const struct adapter_facts *a = model_adapter(r->model);
    int base = 0;
    if (!a)
        return stage_header_digest(r->parts->stage, 0, r->header_sha256, err);
    while (base < s->n_files && !in_folder(s->path[base], a->folder)) /* the adapter's come first */
        base++;
    return stage_header_digest(r->parts->stage, base, r->base_sha256, err) < 0
               ? -1 : stage_header_digest(r->parts->stage, 0, r->header_sha256, err);
}

/* Headers and tokenizer: what shows whether this is a model that runs. */
static int open_model(struct rig *r, const struct rig_opts *o, struct err *err)
{
    struct rig_parts *p = r->parts;
    if (open_files(p, o, err) < 0)
        return -1;
    const struct model_share share = { r->place.first, r->place.size };
    r->model = model_open(metadata(p), r->executor->ops, &share, err); /* every rank reads headers, from memory that rank 0 filled */
    int rc = r->model ? replica_open(&p->replica, r->executor, r->model, &r->place, p->group, err) : -1;
    return agree(p, rc == 0 ? open_tokenizer(r, o, err) : -1, err); /* one agreement for all */
}

static int check_limit(const struct rig *r, const struct rig_opts *o, struct err *err)
{
    const double need = (double)replica_largest(&r->parts->replica), most = o->devices.bytes;
    if (most <= 0 || need <= most)
        return 0;
    return err_set(err, ERR_MEMORY, "--max-gpu-memory: the weights take %.1f MB%s, allowed are %.1f MB; allow more, %s", need / 1e6,
                   r->place.size > 1 ? " of each device" : "", most / 1e6,
                   r->executor->host_sums ? "spread the model by --num-gpus-per-model, or use a smaller model or a quantised one"
                                          : "or use a smaller model or --device cpu");
}

static const struct executor *wrap(const struct executor *x, const struct rig_opts *o, struct err *err)
{
    const struct executor *other = o->compare ? executor_find(o->compare) : NULL;
    struct err why = { 0 };
    if ((o->trace || o->compare) && o->devices.per_model > 1)
        return err_set(err, ERR_USAGE, "--%s: looks at one device; give --num-gpus-per-model 1", o->trace ? "trace" : "compare"), NULL;
    if (o->compare && !other)
        err_set(err, ERR_USAGE, "--compare %s: this build has no executor of that name; give cpu or cuda", o->compare);
    else if (other && other->devices(&why) == 0)
        err_set(err, ERR_DEVICE, "--compare %s: %s", o->compare, why.text);
    if (o->compare && (!other || why.kind))
        return NULL;
    x = other ? executor_compared(x, other, o->compare_bound) : x;
    return o->trace ? executor_traced(x) : x;
}

static int open_rig(struct rig *r, struct job *job, const struct rig_opts *o, struct err *err)
{
    *r = (struct rig){0};
    struct rig_parts *p = r->parts = xcalloc(1, sizeof *p);
    p->job = job;
    if (rig_place(job, &o->devices, &r->executor, &r->place, err) < 0 || !(r->executor = wrap(r->executor, o, err)))
        return -1;
    if (r->place.n < r->place.size)
        p->group = job_replica(job, r->place.replica, r->place.first);
    if (open_model(r, o, err) < 0) {
        if (!r->model) /* else its architecture is known, whatever the folder is called */
            published_advise(o->model_path, err);
        return -1;
    }
    if (rig_choose_chat(r, o, err) < 0)
        return -1;
    strcpy(r->weights, dtype_info[r->model->layer[0].q.dtype].name);                /* mixed files are named after their first projection */
    if (where_check_numerics(r, job, err) < 0 || agree(p, check_limit(r, o, err), err) < 0)
        return -1;
    return job ? digest_headers(r, err) : 0;
}

int rig_open(struct rig *r, struct job *job, const struct rig_opts *o, struct err *err)
{
    watch_begin(WATCH_WORKS, "opening model %s", o->model_path);
    const int rc = open_rig(r, job, o, err);
    watch_end();
    return rc;
}

/* Members on several ranks have the same pages: as many as the one with the least memory. */
static void plan_alike(struct rig *r, struct engine_opts *e, struct rig_memory *m)
{
    const uint64_t page = team_page_bytes(r->team);
    if (r->parts->replica.group)
        m->engine.pages = INT32_MAX - (int)job_max(r->parts->job, (uint64_t)(INT32_MAX - m->engine.pages));
    e->kv_bytes = m->engine.kv = (uint64_t)m->engine.pages * page;                  /* what was planned, to the byte */
}

/* Threads, backends and memory. */
static int lay_out(struct rig *r, const struct rig_opts *o, struct engine_opts *e, struct rig_memory *m, struct err *err)
{
    struct rig_parts *p = r->parts;
    if (p->job)
        p->layout = layout_create(p->job, wanted_threads(o));
    const struct replica_cores cores = cores_of(p, o);
    if (agree(p, open_backends(r, &cores, err), err) < 0)
        return -1;
    const struct replica_calls calls = {
        .interrupted = p->job && o->interruptible ? told_to_stop : NULL, .waiting = p->job ? look_around : NULL, .ctx = p->job,
        .patience = p->job ? job_info(p->job).patience : 0,
    };
    int rc = replica_create_team(&p->replica, &cores, &calls, err);
    r->team = p->replica.team;
    if (agree(p, rc, err) < 0 || agree(p, plan_memory(r, o, e, m, err), err) < 0)
        return -1;
    plan_alike(r, e, m);
    return 0;
}

/* The engine where member 0 is; others take the same memory and follow. */
static int start_members(struct rig *r, const struct engine_opts *e, const struct engine_plan *plan, struct err *err)
{
    const struct team_sizes sizes = engine_sizes(plan);
    if (!team_leads(r->team))
        return team_start(r->team, &sizes, err);
    return (r->engine = engine_create(r->team, e, err)) ? 0 : -1;
}

int rig_plan(struct rig *r, const struct rig_opts *o, struct rig_memory *m, struct err *err)
{
    struct engine_opts e;
    return lay_out(r, o, &e, m, err);
}

static int start_rig(struct rig *r, const struct rig_opts *o, struct err *err)
{
    double start = clock_now();
    struct rig_parts *p = r->parts;
    char words[128];
    struct engine_opts e;
    struct rig_memory m;
    if (lay_out(r, o, &e, &m, err) < 0) /* memory is known to suffice before any weight is read */
        return -1;
    say_memory(&m);
    if (load_weights(r, o, err) < 0 || agree(p, start_members(r, &e, &m.engine, err), err) < 0)
        return -1;
    log_verbose("layout: %s", placement_words(&r->place, p->job ? job_info(p->job).size : 1, p->job ? job_info(p->job).n_nodes : 1, words));
    log_verbose("weights have sha256 %s; %d threads per rank, %s; ready after %.2f s", r->model_sha256, r->n_threads, r->isa,
                clock_now() - start);
    return 0;
}

int rig_start(struct rig *r, const struct rig_opts *o, struct err *err)
{
    watch_begin(WATCH_WORKS, "loading model %s", o->model_path);
    const int rc = start_rig(r, o, err);
    watch_end();
    return rc;
}

void rig_close(struct rig *r)
{
    struct rig_parts *p = r->parts;
    if (!p)
        return;
    /* in the order of use: an engine's pages belong to the backends, the weights may be in shared memory */
    engine_destroy(r->engine);
    forget_chat(r);
    tokenizer_destroy(r->tokenizer);
    replica_close(&p->replica);
    model_close(r->model);
    for (int i = 0; i < p->replica.n; i++)
        r->executor->close(p->replica.be[i]);
    job_replica_free(p->group);
    stage_close(p->stage);
    source_files_close(p->files);
    layout_destroy(p->layout);
    modelpath_free(&p->path);
    free(p);
    *r = (struct rig){0};
}
