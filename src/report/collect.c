/* collect.c - a run out of a data folder, as rows: what it is, its files, its phases, its sums. */
#include "collect_priv.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/json_scan.h"
#include "mtbench/judgment.h"
#include "mtbench/lines.h"
#include "mtbench/manifest.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

const struct run_part run_parts[] = {
    { &turns_table, offsetof(struct run_data, turns) },         { &answers_table, offsetof(struct run_data, answers) },
    { &judgments_table, offsetof(struct run_data, judgments) }, { &pairs_table, offsetof(struct run_data, pairs) },
    { &asked_table, offsetof(struct run_data, asked) },         { &calls_table, offsetof(struct run_data, calls) },
    { &files_table, offsetof(struct run_data, files) },         { &phases_table, offsetof(struct run_data, phases) },
    { NULL, 0 },
};

struct rows *run_rows(struct run_data *d, const struct run_part *p)
{
    return (struct rows *)((char *)d + p->at);
}

void *rows_add(struct rows *r, const struct h5_table *t)
{
    if (r->n == r->cap)
        r->row = xrealloc(r->row, r->cap = r->cap ? 2 * r->cap : 16, t->size);
    void *row = (char *)r->row + r->n++ * t->size;
    memset(row, 0, t->size);
    return row;
}

void run_data_free(struct run_data *d)
{
    for (const struct run_part *p = run_parts; p->table; p++)
        h5_free(p->table, run_rows(d, p)->row, run_rows(d, p)->n);
    char **text[] = { &d->run.bench, &d->run.model, &d->run.bench_key, &d->run.program, &d->run.numerics, &d->run.weights, &d->run.folder,
                      &d->run.job };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(*text[i]);
    for (int i = 0; i < OWN_FILES; i++)
        buf_free(&d->own[i].bytes);
    *d = (struct run_data){0};
}

/* ---- files ---- */

const char *const own_ending[OWN_FILES] = { ".jsonl", ".journal", ".manifest" };

static int read_own(const struct bench_folder *s, int model, struct own_file own[OWN_FILES], struct err *err)
{
    int rc = 0;
    for (int i = 0; i < OWN_FILES && rc == 0; i++) {
        char *path = bench_folder_path(s, model, own_ending[i]);
        const int there = io_exists(path, err);
        own[i].there = there > 0;
        rc = there > 0 ? io_read(path, &own[i].bytes, err) : there;
        if (rc == 0 && own[i].there)
            sha256_hex(own[i].bytes.data, own[i].bytes.len, own[i].sha256);
        free(path);
    }
    return rc;
}

struct file_row *collect_file(struct run_data *d, const char *name, int kind, const char sha256[65], int64_t bytes, int lines)
{
    struct file_row *f = rows_add(&d->files, &files_table);
    *f = (struct file_row){ .path = xstrdup(name), .kind = (uint8_t)kind, .bytes = bytes, .lines = lines };
    memcpy(f->sha256, sha256, sizeof f->sha256);
    return f;
}

struct file_row *collect_own_file(struct run_data *d, const struct bench_folder *s, int model, int which, int kind)
{
    const struct own_file *own = &d->own[which];
    char *name = xasprintf("%s/model_answer/%s%s", s->bench, s->model[model], own_ending[which]);
    struct file_row *f = collect_file(d, name, kind, own->sha256, (int64_t)own->bytes.len, count_lines(own->bytes.data, own->bytes.len));
    free(name);
    return f;
}

/* Keep a line's own bytes where those that its fields give are others. */
void line_keep_raw(struct line_place *at, const struct buf *region, const struct buf *made)
{
    if (region->len == made->len + 1 && region->data[made->len] == '\n' && !memcmp(region->data, made->data, made->len))
        return;
    at->raw = xstrndup(region->data, region->len);
}

/* ---- phases ---- */

static void add_phase(struct run_data *d, const struct json_member *m, int file)
{
    struct phase_row *p = rows_add(&d->phases, &phases_table);
    *p = (struct phase_row){ .name = row_text(m[0].value), .started = row_number(m[1].value, NAN), .seconds = row_number(m[2].value, NAN),
                             .energy_j = row_number(m[5].value, NAN), .tokens = NOT_KNOWN, .nodes = NOT_KNOWN, .file = file,
                             .source = row_text(m[6].value), .reason = row_text(m[7].value) };
    int64_t nodes;
    json_member_whole(m[3].value, &p->tokens);
    if (json_member_whole(m[4].value, &nodes) && nodes >= 0 && nodes <= INT32_MAX)
        p->nodes = (int32_t)nodes;
}

/* Lines of JSON beside the answers, or beside a file of judgments; a line that is none of them is passed over, as it says nothing of
 * answers. */
static int read_phases(struct run_data *d, const char *path, const char *name, struct err *err)
{
    struct json_member m[] = { { "phase", {0} },    { "started", {0} },       { "seconds", {0} },      { "tokens", {0} }, { "nodes", {0} },
                               { "energy_j", {0} }, { "energy_source", {0} }, { "energy_reason", {0} } };
    struct buf b = {0};
    struct lines lines;
    struct slice line;
    char sha256[65];
    const int there = io_exists(path, err);
    if (there <= 0)
        return there;
    if (io_read(path, &b, err) < 0)
        return -1;
    sha256_hex(b.data, b.len, sha256);
    collect_file(d, name, FILE_PHASES, sha256, (int64_t)b.len, count_lines(b.data, b.len));
    lines_begin(&lines, b.data, b.len);
    while (lines_next(&lines, &line))
        if (json_scan_members(line.ptr, line.len, m, 8, NULL) == 0 && m[0].value.ptr)
            add_phase(d, m, (int)d->files.n - 1);
    buf_free(&b);
    return 0;
}

static int read_all_phases(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    char *path = bench_folder_path(s, model, ".phases"), *name = xasprintf("%s/model_answer/%s.phases", s->bench, s->model[model]);
    int rc = read_phases(d, path, name, err);
    for (int f = 0; f < s->n_files && rc == 0; f++) {
        free(path);
        free(name);
        path = bench_beside(s->file[f].path, ".phases");
        name = bench_beside(s->file[f].name, ".phases");
        rc = judged_part(&s->file[f], model) ? read_phases(d, path, name, err) : 0;
    }
    free(path);
    free(name);
    return rc;
}

/* ---- sums ---- */

static void span(struct run_row *run, double tstamp)
{
    if (!isfinite(tstamp) || tstamp <= 0)
        return;
    run->first_tstamp = isnan(run->first_tstamp) ? tstamp : fmin(run->first_tstamp, tstamp);
    run->last_tstamp = isnan(run->last_tstamp) ? tstamp : fmax(run->last_tstamp, tstamp);
}

static int by_turn(const void *a, const void *b)
{
    const struct turn_row *x = *(const struct turn_row *const *)a, *y = *(const struct turn_row *const *)b;
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    return x->choice != y->choice ? x->choice - y->choice : x->turn - y->turn;
}

/* Turns, not records: one that failed twice is one, and none once it was made. */
static int count_failed(const struct run_data *d)
{
    const struct turn_row *row = d->turns.row, **t = xcalloc(d->turns.n + 1, sizeof *t);
    int failed = 0;
    for (size_t i = 0; i < d->turns.n; i++)
        t[i] = &row[i];
    qsort(t, d->turns.n, sizeof *t, by_turn);
    for (size_t i = 0, end; i < d->turns.n; i = end) {
        bool made = false;
        for (end = i; end < d->turns.n && by_turn(&t[i], &t[end]) == 0; end++)
            made |= t[end]->status == TURN_OK;
        failed += !made;
    }
    free(t);
    return failed;
}

static void add_up(struct run_data *d)
{
    struct run_row *run = &d->run;
    const struct turn_row *t = d->turns.row;
    const struct judged_row *j = d->judgments.row;
    const struct call_row *c = d->calls.row;
    run->seconds = run->energy_j = run->cost = run->first_tstamp = run->last_tstamp = NAN;
    run->new_tokens = run->judge_tokens = NOT_KNOWN;
    run->turns = run->cut_turns = run->failed_judgments = 0;
    run->failed_turns = count_failed(d);
    for (size_t i = 0; i < d->turns.n; i++) {
        run->turns += t[i].counts && t[i].status == TURN_OK;
        run->cut_turns += t[i].counts && t[i].choice == 0 && t[i].finish == TURN_FINISH_LENGTH;
        if (t[i].n_new >= 0)
            run->new_tokens = (run->new_tokens < 0 ? 0 : run->new_tokens) + t[i].n_new;
        if (!isnan(t[i].seconds))
            run->seconds = (isnan(run->seconds) ? 0 : run->seconds) + t[i].seconds;
        if (!isnan(t[i].energy_j))
            run->energy_j = (isnan(run->energy_j) ? 0 : run->energy_j) + t[i].energy_j;
        span(run, t[i].tstamp);
    }
    for (size_t i = 0; i < d->judgments.n; i++) {
        run->failed_judgments += j[i].status != JUDGMENT_OK;
        span(run, j[i].tstamp);
    }
    for (size_t i = 0; i < d->calls.n; i++) {
        run->judge_tokens = (run->judge_tokens < 0 ? 0 : run->judge_tokens) + c[i].tokens_in + c[i].tokens_out;
        if (!isnan(c[i].cost))
            run->cost = (isnan(run->cost) ? 0 : run->cost) + c[i].cost;
    }
    run->judgments = (int32_t)d->judgments.n;
    run->pairs = (int32_t)d->pairs.n;
}

/* ---- runs ---- */

static void end_hex(struct sha256 *h, char hex[65])
{
    uint8_t digest[32];
    sha256_end(h, digest);
    hex_of(digest, 32, hex);
}

/* Journals and answers as they are, and the lines of judgments that are of this model. */
static void hash_content(const struct bench_folder *s, int model, const struct own_file *own, char hex[65])
{
    struct sha256 *h = sha256_begin();
    sha256_add(h, s->bench_key, sizeof s->bench_key);
    for (int i = 0; i < OWN_FILES; i++)
        sha256_add(h, own[i].sha256, sizeof own[i].sha256);
    for (int f = 0; f < s->n_files; f++) {
        const struct judged_part *part = judged_part(&s->file[f], model);
        if (!part)
            continue;
        sha256_add(h, s->file[f].name, strlen(s->file[f].name) + 1);
        sha256_add(h, part->sha256, sizeof part->sha256);
    }
    end_hex(h, hex);
}

static int hash_phases(struct sha256 *h, const char *path, struct err *err)
{
    struct buf b = {0};
    char hex[65] = "";
    const int there = io_exists(path, err), rc = there > 0 ? io_read(path, &b, err) : there;
    if (rc == 0 && there)
        sha256_hex(b.data, b.len, hex);
    sha256_add(h, hex, sizeof hex);
    buf_free(&b);
    return rc;
}

/* What else its rows come from: whole files of judgments, whose other lines decide which file these are a part of, journals of their
 * judges, and phases. */
static int hash_sources(const struct bench_folder *s, int model, char hex[65], struct err *err)
{
    struct sha256 *h = sha256_begin();
    bool judged = false;
    char *path = bench_folder_path(s, model, ".phases");
    int rc = hash_phases(h, path, err);
    for (int f = 0; f < s->n_files && rc == 0; f++) {
        const struct judged_file *file = &s->file[f];
        if (!judged_part(file, model))
            continue;
        judged = true;
        free(path);
        path = bench_beside(file->path, ".phases");
        sha256_add(h, file->name, strlen(file->name) + 1);
        sha256_add(h, file->sha256, sizeof file->sha256);
        rc = hash_phases(h, path, err);
    }
    for (int i = 0; i < s->n_journals && judged; i++) {
        sha256_add(h, s->journal[i].path, strlen(s->journal[i].path) + 1);
        sha256_add(h, s->journal[i].sha256, sizeof s->journal[i].sha256);
    }
    end_hex(h, hex);
    free(path);
    return rc;
}

/* The first line of the journal beside the answers; NULL: there is none. The caller's. */
static char *journal_head(const struct own_file *journal)
{
    const char *end = journal->bytes.len ? memchr(journal->bytes.data, '\n', journal->bytes.len) : NULL;
    return end ? xstrndup(journal->bytes.data, (size_t)(end - journal->bytes.data)) : NULL;
}

static char *value_of(const char *head, const char *name)
{
    char *v = head ? manifest_value(head, name) : NULL;
    return v ? v : xstrdup("");
}

/* A run of ours is its bench, its model and all that its answers depend on. A foreign one says nothing of that, and what a server answers
 * depends on more than was sent: these are where they lie. */
static void name_run(const struct bench_folder *s, int model, const char *head, char key[65])
{
    struct json_member identity = { "identity", {0} };
    struct sha256 *h = sha256_begin();
    uint8_t digest[32];
    const bool ours = head && !journal_is_of_calls(head) && json_scan_members(head, strlen(head), &identity, 1, NULL) == 0 &&
                      identity.value.ptr;
    const struct slice what = ours ? identity.value : (struct slice){ s->data_dir, strlen(s->data_dir) };
    sha256_add(h, ours ? "run" : "foreign", ours ? 4 : 8);
    sha256_add(h, s->bench, strlen(s->bench) + 1);
    sha256_add(h, s->model[model], strlen(s->model[model]) + 1);
    sha256_add(h, what.ptr, what.len);
    sha256_end(h, digest);
    hex_of(digest, 32, key);
}

int collect_name(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    if (read_own(s, model, d->own, err) < 0)
        return -1;
    struct run_row *run = &d->run;
    char *head = journal_head(&d->own[OWN_JOURNAL]), *seed = value_of(head, "seed"), *end;
    *run = (struct run_row){ .bench = xstrdup(s->bench), .model = xstrdup(s->model[model]), .seed = NOT_KNOWN,
                             .bench_key = xstrdup(s->bench_key), .folder = xstrdup(s->data_dir), .foreign = !head };
    name_run(s, model, head, run->key);
    run->program = value_of(head, "program");
    run->numerics = value_of(head, "numerics");
    run->weights = value_of(head, "weights");
    run->job = value_of(head, "job");
    if (*seed) {
        long long v = strtoll(seed, &end, 10);
        run->seed = *end ? NOT_KNOWN : v;
    }
    free(seed);
    free(head);
    hash_content(s, model, d->own, run->content);
    return hash_sources(s, model, run->sources, err);
}

int collect_run(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    if (collect_turns(s, model, d, err) < 0 || collect_answers(s, model, d, err) < 0 || collect_judgments(s, model, d, err) < 0 ||
        read_all_phases(s, model, d, err) < 0)
        return -1;
    add_up(d);
    return 0;
}
