/* data_folder.c - what lies in a data folder. */
#include "data_folder.h"

#include "mtbench/call.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- folders ---- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool ends(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n > k && !strcmp(name + n - k, end);
}

struct list {
    char **name;
    int n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder that end so, in order; none if there is no folder. One that cannot be read is not taken for empty: its runs would
 * lose what is in it. */
static int list_folder(struct list *out, const char *folder, const char *end, struct err *err)
{
    struct list l = {0};
    DIR *d = opendir(folder);
    int rc = d || errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    for (struct dirent *e; d && (errno = 0, e = readdir(d));) {
        if (e->d_name[0] == '.' || (*end && !ends(e->d_name, end)))
            continue;
        l.name = xrealloc(l.name, (size_t)l.n + 1, sizeof *l.name);
        l.name[l.n++] = xstrdup(e->d_name);
    }
    if (rc < 0 || (d && errno))
        rc = err_errno(err, "%s: cannot list", folder);
    if (d)
        closedir(d);
    if (l.n)
        qsort(l.name, (size_t)l.n, sizeof *l.name, by_name);
    *out = l;
    return rc;
}

static void list_free(struct list *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->name[i]);
    free(l->name);
}

/* ---- models ---- */

static int add_model(struct bench_folder *s, struct map *known, const char *name)
{
    size_t at = map_add_text(known, name, (size_t)s->n_models);
    if (at == (size_t)s->n_models) {
        s->model = xrealloc(s->model, (size_t)s->n_models + 1, sizeof *s->model);
        s->model[s->n_models++] = xstrdup(name);
    }
    return (int)at;
}

int count_lines(const char *bytes, size_t n)
{
    int lines = 0;
    for (const char *at = bytes, *end = bytes + n; n && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        lines++;
    return lines;
}

char *bench_folder_path(const struct bench_folder *s, int model, const char *ending)
{
    char *folder = bench_answers_folder(s->data_dir, s->bench), *file = xasprintf("%s/%s%s", folder, s->model[model], ending);
    free(folder);
    return file;
}

static int models_with_answers(struct bench_folder *s, struct map *known, struct err *err)
{
    static const char *const end[] = { ".jsonl", ".journal" };
    char *folder = bench_answers_folder(s->data_dir, s->bench);
    int rc = 0;
    for (int e = 0; e < 2 && rc == 0; e++) {
        struct list l;
        rc = list_folder(&l, folder, end[e], err);
        for (int i = 0; i < l.n; i++) {
            l.name[i][strlen(l.name[i]) - strlen(end[e])] = '\0';
            add_model(s, known, l.name[i]);
        }
        list_free(&l);
    }
    free(folder);
    return rc;
}

/* ---- files of judgments ---- */

struct models {
    struct bench_folder *s;
    struct map *known;
};

static int number_of(void *ctx, const char *name)
{
    const struct models *m = ctx;
    return add_model(m->s, m->known, name);
}

static int index_judgments(struct bench_folder *s, struct map *known, struct err *err)
{
    char *folder = xasprintf("%s/%s/model_judgment", s->data_dir, s->bench);
    struct models models = { s, known };
    struct list l;
    int rc = list_folder(&l, folder, ".jsonl", err);
    s->file = xcalloc((size_t)l.n + 1, sizeof *s->file);
    for (int i = 0; i < l.n && rc == 0; i++) {
        struct judged_file *f = &s->file[s->n_files];
        if (!judged_name(f, l.name[i])) {
            log_note("%s/%s: not named as FastChat names judgments, JUDGE_single.jsonl or JUDGE_pair.jsonl; passed over", folder,
                     l.name[i]);
            continue;
        }
        f->path = xasprintf("%s/%s", folder, l.name[i]);
        f->name = xasprintf("%s/model_judgment/%s", s->bench, l.name[i]);
        s->n_files++;
        rc = judged_index(f, number_of, &models, err);
    }
    list_free(&l);
    free(folder);
    return rc;
}

/* ---- journals of judges ---- */

/* "q81-t1-g0-r1-HASH" */
static bool key_says(const char *key, struct call_row *c, const char **hash)
{
    long long question;
    int turn, game, repeat, at = 0;
    if (sscanf(key, "q%lld-t%d-g%d-r%d-%n", &question, &turn, &game, &repeat, &at) < 4 || !at)
        return false;
    c->question_id = question, c->turn = turn, c->game = game, c->repeat = repeat;
    *hash = key + at;
    return true;
}

static int add_call(void *ctx, const struct call_record *r, bool counts)
{
    struct bench_folder *s = ctx;
    const char *hash;
    struct call_row c = { .file = s->n_journals, .status = (uint8_t)r->status, .counts = counts, .tokens_in = r->tokens_in,
                          .tokens_out = r->tokens_out, .tokens_estimated = r->tokens_estimated, .cost = r->cost < 0 ? NAN : r->cost,
                          .tries = r->tries, .seconds = r->seconds, .tstamp = r->tstamp, .expected_score = r->expected_score };
    if (!key_says(r->key, &c, &hash))    /* a canary's: it judged no answer for the first time */
        return 0;
    c.key = xstrdup(r->key);
    c.model = r->model ? xstrdup(r->model) : NULL;
    c.judge = r->judge ? xstrdup(r->judge) : NULL;
    c.reason = r->reason ? xstrdup(r->reason) : NULL;
    if ((s->n_calls & (s->n_calls - 1)) == 0) {
        s->call = xrealloc(s->call, s->n_calls ? 2 * (size_t)s->n_calls : 1, sizeof *s->call);
        s->next = xrealloc(s->next, s->n_calls ? 2 * (size_t)s->n_calls : 1, sizeof *s->next);
    }
    /* a chain from the last one back: who walks it puts them in order again */
    size_t last = map_find_text(&s->call_of, hash);
    s->next[s->n_calls] = last == MAP_NONE ? -1 : (int)last;
    map_set(&s->call_of, hash, strlen(hash), (size_t)s->n_calls);
    s->call[s->n_calls++] = c;
    return 0;
}

static int file_hash(const char *path, struct file_row *row, struct err *err)
{
    struct buf b = {0};
    if (io_read(path, &b, err) < 0)
        return -1;
    sha256_hex(b.data, b.len, row->sha256);
    row->bytes = (int64_t)b.len;
    row->lines = count_lines(b.data, b.len);
    buf_free(&b);
    return 0;
}

static int read_journals(struct bench_folder *s, struct err *err)
{
    char *folder = xasprintf("%s/%s/model_judgment", s->data_dir, s->bench);
    struct list l;
    int rc = list_folder(&l, folder, ".journal", err);
    s->journal = xcalloc((size_t)l.n + 1, sizeof *s->journal);
    for (int i = 0; i < l.n && rc == 0; i++) {
        char *path = xasprintf("%s/%s", folder, l.name[i]);
        struct call_journal *j = call_journal_peek(path, err);
        struct file_row *row = &s->journal[s->n_journals];
        *row = (struct file_row){ .path = xasprintf("%s/model_judgment/%s", s->bench, l.name[i]), .kind = FILE_CALLS };
        rc = !j || file_hash(path, row, err) < 0 ? -1 : call_journal_each(j, add_call, s);
        s->n_journals++;
        call_journal_close(j);
        free(path);
    }
    list_free(&l);
    free(folder);
    return rc;
}

/* ---- what all models share ---- */

/* Its bytes are its text: a file that is no UTF-8 was refused by its own reader. */
static int add_common(struct bench_folder *s, const char *path, const char *name, int kind, struct sha256 *h, struct err *err)
{
    struct buf b = {0};
    const int there = io_exists(path, err);
    if (there <= 0)
        return there;
    if (io_read(path, &b, err) < 0)
        return -1;
    if (utf8_bad(b.data, b.len) >= 0 || memchr(b.data, 0, b.len)) {
        buf_free(&b);
        return err_set(err, ERR_FORMAT, "%s: is no UTF-8 text; correct it, or take it away", path);
    }
    s->common = xrealloc(s->common, (size_t)s->n_common + 1, sizeof *s->common);
    struct file_row *row = &s->common[s->n_common++];
    *row = (struct file_row){ .path = xstrdup(name), .kind = (uint8_t)kind, .bytes = (int64_t)b.len };
    sha256_hex(b.data, b.len, row->sha256);
    row->lines = count_lines(b.data, b.len);
    sha256_add(h, name, strlen(name) + 1);
    sha256_add(h, row->sha256, 64);
    row->text = buf_steal(&b);
    return 0;
}

static int read_references(struct bench_folder *s, struct sha256 *h, struct err *err)
{
    char *folder = bench_references_folder(s->data_dir, s->bench);
    struct list l;
    int rc = list_folder(&l, folder, ".jsonl", err);
    for (int i = 0; i < l.n && rc == 0; i++) {
        char *path = xasprintf("%s/%s", folder, l.name[i]), *name = xasprintf("%s/reference_answer/%s", s->bench, l.name[i]);
        rc = add_common(s, path, name, FILE_REFERENCE, h, err);
        if (rc == 0 && i == 0)
            rc = model_answers_read(path, &s->reference, err);
        free(name);
        free(path);
    }
    list_free(&l);
    free(folder);
    return rc;
}

static int read_common(struct bench_folder *s, struct err *err)
{
    char *questions = bench_questions_path(s->data_dir, s->bench), *prompts = bench_prompts_path(s->data_dir, s->bench);
    char *name = xasprintf("%s/question.jsonl", s->bench);
    const size_t base = strlen(s->data_dir) + 1;
    struct sha256 *h = sha256_begin();
    uint8_t digest[32];
    int rc = add_common(s, questions, name, FILE_QUESTIONS, h, err);
    if (rc == 0 && s->n_common)
        rc = questions_parse(questions, s->common[0].text, (size_t)s->common[0].bytes, &s->questions, err);
    const bool any = s->n_common > 0;
    if (rc == 0)
        rc = read_references(s, h, err);
    if (rc == 0)
        rc = add_common(s, prompts, prompts + base, FILE_PROMPTS, h, err);
    sha256_end(h, digest);
    if (any || s->n_common)
        hex_of(digest, GROUP_KEY / 2, s->bench_key);
    free(name);
    free(prompts);
    free(questions);
    return rc;
}

/* ---- sources ---- */

static bool is_bench(const char *folder)
{
    char *answers = xasprintf("%s/model_answer", folder), *judgments = xasprintf("%s/model_judgment", folder);
    const bool is = is_folder(answers) || is_folder(judgments);
    free(answers);
    free(judgments);
    return is;
}

static void bench_folder_free(struct bench_folder *s)
{
    for (int i = 0; i < s->n_models; i++)
        free(s->model[i]);
    for (int i = 0; i < s->n_files; i++)
        judged_free(&s->file[i]);
    free(s->model);
    free(s->file);
    free(s->data_dir);
    free(s->bench);
    questions_free(&s->questions);
    model_answers_free(&s->reference);
    h5_free(&files_table, s->common, (size_t)s->n_common);
    h5_free(&files_table, s->journal, (size_t)s->n_journals);
    h5_free(&calls_table, s->call, (size_t)s->n_calls);
    free(s->next);
    map_free(&s->call_of);
}

void bench_folders_free(struct bench_folder *source, int n)
{
    for (int i = 0; i < n; i++)
        bench_folder_free(&source[i]);
    free(source);
}

struct order { char *model; int was; };

static int by_model(const void *a, const void *b)
{
    return strcmp(((const struct order *)a)->model, ((const struct order *)b)->model);
}

/* Names in order, whatever the order of files and lines. */
static void sort_models(struct bench_folder *s)
{
    struct order *o = xcalloc((size_t)s->n_models + 1, sizeof *o);
    int *place = xcalloc((size_t)s->n_models + 1, sizeof *place);
    for (int i = 0; i < s->n_models; i++)
        o[i] = (struct order){ s->model[i], i };
    qsort(o, (size_t)s->n_models, sizeof *o, by_model);
    for (int i = 0; i < s->n_models; i++) {
        s->model[i] = o[i].model;
        place[o[i].was] = i;
    }
    for (int f = 0; f < s->n_files; f++)
        judged_renumber(&s->file[f], place);
    free(place);
    free(o);
}

/* 'only': this model alone; NULL: all. */
static int open_bench(struct bench_folder *s, const char *data_dir, const char *bench, const char *only, struct err *err)
{
    struct map known = {0};
    *s = (struct bench_folder){ .data_dir = xstrdup(data_dir), .bench = xstrdup(bench) };
    int rc = models_with_answers(s, &known, err) < 0 || read_common(s, err) < 0 || index_judgments(s, &known, err) < 0 ||
                     read_journals(s, err) < 0
                 ? -1
                 : 0;
    map_free(&known);
    if (rc == 0)
        sort_models(s);
    for (int m = 0; only && m < s->n_models; m++)
        if (strcmp(s->model[m], only))
            s->model[m][0] = '\0';       /* passed over: a model has a name */
    return rc;
}

/* FOLDER/BENCH of a path without a slash behind it; the folder of "mt_bench" is ".". Both are the caller's. */
static char *parent(const char *path, char **base)
{
    const char *slash = strrchr(path, '/');
    *base = xstrdup(slash ? slash + 1 : path);
    return slash == path ? xstrdup("/") : slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
}

static int open_one(const char *path, struct bench_folder **source, int *n, const char *only, struct err *err)
{
    char *bench, *data_dir;
    char *real = realpath(path, NULL);   /* "." and links have names that way */
    data_dir = parent(real ? real : path, &bench);
    *source = xcalloc(1, sizeof **source);
    *n = 1;
    int rc = open_bench(*source, data_dir, bench, only, err);
    free(real);
    free(bench);
    free(data_dir);
    return rc;
}

/* FOLDER/BENCH/model_answer/MODEL.jsonl, or its journal. */
static int open_model(const char *path, struct bench_folder **source, int *n, struct err *err)
{
    char *file, *folder = parent(path, &file), *answers, *bench = parent(folder, &answers);
    int rc = -1;
    char *end = strrchr(file, '.');
    if (end && (!strcmp(end, ".jsonl") || !strcmp(end, ".journal")) && !strcmp(answers, "model_answer")) {
        *end = '\0';
        rc = open_one(bench, source, n, file, err);
    } else
        err_set(err, ERR_USAGE, "%s: is no run; name a data folder, a bench's folder in it, or BENCH/model_answer/MODEL.jsonl", path);
    free(bench);
    free(answers);
    free(folder);
    free(file);
    return rc;
}

static int open_data(const char *path, struct bench_folder **source, int *n, struct err *err)
{
    struct list l;
    char *real = realpath(path, NULL);
    int rc = list_folder(&l, path, "", err);
    *source = xcalloc((size_t)l.n + 1, sizeof **source);
    for (int i = 0; i < l.n && rc == 0; i++) {
        char *folder = xasprintf("%s/%s", path, l.name[i]);
        if (is_bench(folder))
            rc = open_bench(&(*source)[(*n)++], real ? real : path, l.name[i], NULL, err);
        free(folder);
    }
    free(real);
    list_free(&l);
    return rc < 0 || *n ? rc : err_set(err, ERR_USAGE, "%s: no run is in it; name the data folder of one, with BENCH/model_answer", path);
}

int bench_folders_open(const char *path, struct bench_folder **source, int *n, struct err *err)
{
    char *plain = xstrdup(path);
    for (size_t k = strlen(plain); k > 1 && plain[k - 1] == '/'; k--)
        plain[k - 1] = '\0';
    *source = NULL;
    *n = 0;
    int rc = access(plain, F_OK) ? err_errno(err, "%s: cannot be aggregated", path)
             : !is_folder(plain) ? open_model(plain, source, n, err)
             : is_bench(plain)   ? open_one(plain, source, n, NULL, err)
                                 : open_data(plain, source, n, err);
    free(plain);
    return rc;
}
