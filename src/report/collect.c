/* collect.c - a run out of a data folder, as rows. */
#include "collect.h"

#include "written.h"

#include "mtbench/answer_file.h"
#include "mtbench/game_key.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/json_scan.h"
#include "mtbench/judgment.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"
#include "mtbench/paths.h"

#include <errno.h>
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

/* ---- texts ---- */

/* HDF5's texts end at a NUL: the replacement character stands for it, and the line's own bytes are kept beside. */
static void without_nul(char **text)
{
    struct buf b = {0};
    if (!*text || !nul_spelled(*text, strlen(*text)))
        return;
    const char *from = *text;
    for (const char *at; (at = strstr(from, "\xC0\x80")); from = at + 2) {
        buf_add(&b, from, (size_t)(at - from));
        buf_str(&b, "\xEF\xBF\xBD");
    }
    buf_str(&b, from);
    free(*text);
    *text = buf_steal(&b);
}

/* Half a surrogate pair is no character: its escape becomes that of the replacement character, in place. */
static void mend_surrogates(char *s, size_t n)
{
    for (size_t i = 0; i + 6 <= n; i += s[i] == '\\' ? (s[i + 1] == 'u' ? 6 : 2) : 1) {
        unsigned v = 0, low = 0;
        if (s[i] != '\\' || s[i + 1] != 'u' || sscanf(s + i + 2, "%4x", &v) != 1 || v < 0xD800 || v > 0xDFFF)
            continue;
        if (v < 0xDC00 && i + 12 <= n && s[i + 6] == '\\' && s[i + 7] == 'u' && sscanf(s + i + 8, "%4x", &low) == 1 && low >= 0xDC00 &&
            low <= 0xDFFF)
            i += 6;                      /* a whole pair */
        else
            memcpy(s + i + 2, "fffd", 4);
    }
}

/* A member's text as the file will have it; NULL: it is something else. */
static char *text_of(struct slice value)
{
    struct json_text t;
    if (!json_member_string(value, &t))
        return NULL;
    char *out = xrealloc(NULL, t.len + 1, 1);
    long n = json_text_decode(&t, out);
    if (n < 0) {
        char *mended = xstrndup(t.ptr, t.len);
        mend_surrogates(mended, t.len);
        t.ptr = mended;
        n = json_text_decode(&t, out);
        free(mended);
    }
    out[n < 0 ? 0 : n] = '\0';
    without_nul(&out);
    return out;
}

static char *copy_of(const char *s)
{
    char *copy = s ? xstrdup(s) : NULL;
    without_nul(&copy);
    return copy;
}

static double number_of(struct slice value, double otherwise)
{
    double x;
    bool is_int;
    return json_member_number(value, &x, &is_int) ? x : otherwise;
}

/* ---- files ---- */

static const char *const own_ending[OWN_FILES] = { ".jsonl", ".journal", ".manifest" };

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

static int count_lines(const struct buf *b)
{
    int n = 0;
    for (const char *at = b->data, *end = at + b->len; b->len && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

static struct file_row *add_file(struct run_data *d, const char *name, int kind, const char sha256[65], int64_t bytes, int lines)
{
    struct file_row *f = rows_add(&d->files, &files_table);
    *f = (struct file_row){ .path = xstrdup(name), .kind = (uint8_t)kind, .bytes = bytes, .lines = lines };
    memcpy(f->sha256, sha256, sizeof f->sha256);
    return f;
}

static struct file_row *add_own(struct run_data *d, const struct bench_folder *s, int model, int which, int kind)
{
    const struct own_file *own = &d->own[which];
    char *name = xasprintf("%s/model_answer/%s%s", s->bench, s->model[model], own_ending[which]);
    struct file_row *f = add_file(d, name, kind, own->sha256, (int64_t)own->bytes.len, count_lines(&own->bytes));
    free(name);
    return f;
}

/* Keep a line's own bytes where those that its fields give are others. */
static void keep_raw(struct line_place *at, const struct buf *region, const struct buf *made)
{
    if (region->len == made->len + 1 && region->data[made->len] == '\n' && !memcmp(region->data, made->data, made->len))
        return;
    at->raw = xstrndup(region->data, region->len);
}

/* ---- the turns' journal ---- */

static int add_turn(void *ctx, const struct turn_record *t, bool counts)
{
    static const char *const finish[] = { "", "stop", "length", "context" };
    struct run_data *d = ctx;
    struct turn_row *r = rows_add(&d->turns, &turns_table);
    *r = (struct turn_row){ .question_id = t->question_id,
                            .choice = t->choice,
                            .turn = t->turn,
                            .top_k = t->top_k,
                            .n_prompt = t->n_prompt,
                            .n_new = t->n_new,
                            .n_reused = t->n_reused,
                            .rank = t->rank,
                            .status = (uint8_t)t->status,
                            .counts = counts,
                            .temperature = t->temperature,
                            .top_p = t->top_p,
                            .min_p = t->min_p,
                            .repetition_penalty = t->repetition_penalty,
                            .seconds = t->seconds,
                            .tstamp = t->tstamp,
                            .energy_j = t->energy_j > 0 ? t->energy_j : NAN };
    for (int i = 1; t->finish && i < 4; i++)
        if (!strcmp(t->finish, finish[i]))
            r->finish = (uint8_t)i;
    memcpy(r->question_sha256, t->question_sha256, sizeof r->question_sha256);
    memcpy(r->prompt_sha256, t->prompt_sha256, sizeof r->prompt_sha256);
    r->text = copy_of(t->text);
    r->reason = copy_of(t->reason);
    return 0;
}

/* Does a journal that begins so hold calls to a server? */
static bool is_of_calls(const char *head)
{
    static const char begin[] = MANIFEST_HEAD "\"calls\"";
    return !strncmp(head, begin, sizeof begin - 1);
}

static int read_turns(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    const struct own_file *own = &d->own[OWN_JOURNAL], *manifest = &d->own[OWN_MANIFEST];
    int rc = 0;
    if (own->there) {
        /* api-answer keeps calls there and no turns: what came of them is in the answer file. */
        const bool calls = own->bytes.len && is_of_calls(own->bytes.data);
        char *path = bench_folder_path(s, model, own_ending[OWN_JOURNAL]);
        struct journal *j = calls ? NULL : journal_peek(path, NULL, err);
        rc = calls ? 0 : j ? journal_each(j, add_turn, d) : -1;
        journal_close(j);
        free(path);
        add_own(d, s, model, OWN_JOURNAL, calls ? FILE_CALLS : FILE_TURNS);
    }
    if (rc == 0 && manifest->there && utf8_bad(manifest->bytes.data, manifest->bytes.len) < 0)
        add_own(d, s, model, OWN_MANIFEST, FILE_MANIFEST)->text = xstrndup(manifest->bytes.data, manifest->bytes.len);
    return rc;
}

/* ---- the answer file ---- */

/* A turn that the journal does not have, out of the answer file. */
static void add_foreign_turn(struct run_data *d, const struct answer_row *a, int choice, int turn, struct slice value)
{
    struct turn_row *r = rows_add(&d->turns, &turns_table);
    *r = (struct turn_row){ .question_id = a->question_id, .choice = choice, .turn = turn, .top_k = NOT_KNOWN, .n_prompt = NOT_KNOWN,
                            .n_new = NOT_KNOWN, .n_reused = NOT_KNOWN, .rank = NOT_KNOWN, .counts = 1, .temperature = NAN, .top_p = NAN,
                            .min_p = NAN, .repetition_penalty = NAN, .seconds = NAN, .tstamp = a->tstamp, .energy_j = NAN };
    r->text = text_of(value);
    if (!r->text || answer_is_failure(r->text))
        r->status = TURN_FAILED;
    if (!r->text)
        r->text = xstrdup("");
}

/* The value that the scan stands at, as it stands in the text. */
static struct slice value_at(struct json_scan *s)
{
    json_scan_peek(s);
    const char *from = s->at;
    return json_scan_skip(s) ? (struct slice){ from, (size_t)(s->at - from) } : (struct slice){0};
}

static void read_choice(struct run_data *d, const struct answer_row *a, int choice, struct slice value, const struct turn_index *known)
{
    struct json_member turns = { "turns", {0} };
    struct json_scan s;
    bool first = true;
    if (json_scan_members(value.ptr, value.len, &turns, 1, NULL) < 0 || !turns.value.ptr)
        return;
    json_scan_begin(&s, turns.value.ptr, turns.value.len);
    if (!json_scan_open(&s, '['))
        return;
    for (int t = 1; json_scan_item(&s, &first) == 1; t++) {
        struct slice text = value_at(&s);
        if (!turn_index_find(known, a->question_id, choice, t))
            add_foreign_turn(d, a, choice, t, text);
    }
}

static void read_choices(struct run_data *d, struct answer_row *a, struct slice choices, const struct turn_index *known)
{
    struct json_scan s;
    bool first = true;
    json_scan_begin(&s, choices.ptr, choices.len);
    if (!choices.ptr || !json_scan_open(&s, '['))
        return;
    while (json_scan_item(&s, &first) == 1) {
        struct slice value = value_at(&s);
        if (value.ptr)
            read_choice(d, a, a->choices++, value, known);
    }
}

static int read_answer(struct run_data *d, struct slice line, int file, const struct turn_index *known, struct err *err)
{
    struct json_member m[] = { { "question_id", {0} }, { "answer_id", {0} }, { "model_id", {0} }, { "choices", {0} }, { "tstamp", {0} } };
    struct answer_row a = { .at = { file, (int32_t)d->answers.n + 1, NULL } };
    if (json_scan_members(line.ptr, line.len, m, 5, err) < 0)
        return -1;
    if (!json_member_whole(m[0].value, &a.question_id) || !m[3].value.ptr || *m[3].value.ptr != '[')
        return err_set(err, ERR_FORMAT, "no whole number \"question_id\", or no list \"choices\"; is this an answer file?");
    a.answer_id = text_of(m[1].value);
    a.model_id = text_of(m[2].value);
    a.tstamp = number_of(m[4].value, NAN);
    read_choices(d, &a, m[3].value, known);
    *(struct answer_row *)rows_add(&d->answers, &answers_table) = a;
    return 0;
}

/* The regions of the answer file's lines, in their order, for keep_raw(). */
static void keep_answers(struct run_data *d, const struct buf *bytes, const struct turn_index *all)
{
    struct lines lines;
    struct slice line;
    struct buf made = {0};
    size_t start = 0;
    lines_begin(&lines, bytes->data, bytes->len);
    for (size_t i = 0; i < d->answers.n && lines_next(&lines, &line); i++) {
        struct answer_row *a = (struct answer_row *)d->answers.row + i;
        const struct buf region = { bytes->data + start, lines.at - start, 0 };
        buf_clear(&made);
        buf_str(&made, "");
        answer_written(&made, a, all);
        keep_raw(&a->at, &region, &made);
        start = lines.at;
    }
    /* what stands behind the last record: blanks, or half a line */
    if (start < bytes->len)
        ((struct file_row *)d->files.row)[d->files.n - 1].text = xstrndup(bytes->data + start, bytes->len - start);
    buf_free(&made);
}

static int read_answer_lines(struct run_data *d, const char *path, const struct turn_index *known, struct err *err)
{
    const struct buf *b = &d->own[OWN_ANSWERS].bytes;
    const int file = (int)d->files.n - 1;
    struct lines lines;
    struct slice line;
    lines_begin(&lines, b->data, b->len);
    while (lines_next(&lines, &line))
        if (read_answer(d, line, file, known, err) < 0)          /* a torn last one: FastChat died in it */
            return lines.torn ? 0 : err_wrap(err, "%s:%ld", path, lines.number);
    return 0;
}

static int read_answers(const struct bench_folder *s, int model, struct run_data *d, struct err *err)
{
    struct turn_index known, all = {0};
    if (!d->own[OWN_ANSWERS].there)
        return 0;
    /* What the journal has, in copies: rows move when others come. */
    turn_index_build(&known, d);
    struct turn_row *stay = xcalloc(known.n + 1, sizeof *stay);
    for (size_t i = 0; i < known.n; i++) {
        stay[i] = *known.turn[i];
        known.turn[i] = &stay[i];
    }
    char *path = bench_folder_path(s, model, own_ending[OWN_ANSWERS]);
    add_own(d, s, model, OWN_ANSWERS, FILE_ANSWERS);
    int rc = read_answer_lines(d, path, &known, err);
    if (rc == 0) {
        turn_index_build(&all, d);
        keep_answers(d, &d->own[OWN_ANSWERS].bytes, &all);
    }
    free(path);
    free(stay);
    turn_index_free(&all);
    turn_index_free(&known);
    return rc;
}

/* ---- judgments ---- */

struct judging {
    const struct bench_folder *s;
    int model;
    struct run_data *d;
    struct filling fill;
    struct turn_index turns;
    struct map asked, games;             /* what was asked: its row; the names' hash of calls that are in 'mine' */
    int *mine, n_mine;                   /* calls of the source */
    struct buf region, made;
};

static int add_asked(struct judging *g, int64_t question_id, const char *judge, const char *prompt, const char *text)
{
    bool holes;
    char *form = prompt_punch(&g->fill, question_id, text ? text : "", &holes);
    char *key = xasprintf("%s\n%s\n%d\n%s", judge, prompt, holes, form);
    size_t at = map_add_text(&g->asked, key, g->d->asked.n);
    if (at == g->d->asked.n) {
        struct asked_row *a = rows_add(&g->d->asked, &asked_table);
        *a = (struct asked_row){ xstrdup(judge), xstrdup(prompt), form, holes };
        form = NULL;
    }
    free(form);
    free(key);
    return (int)at;
}

static const char *name_of(const struct judgment_table *t, int32_t name)
{
    return name < 0 ? "" : t->name[name];
}

/* The names' hash in the keys of its calls. */
static void mark_game(struct judging *g, const char *judge, const char *prompt, const char *model_1, const char *model_2)
{
    char hash[GAME_NAMES];
    game_names(&(struct game_name){ judge, prompt, model_1, model_2, 0, 0, 0, 0 }, hash);
    const size_t n = g->games.n;
    if (map_add_text(&g->games, hash, n) != n)
        return;                          /* its calls are among them */
    size_t first = map_find_text(&g->s->call_of, hash);
    for (int c = first == MAP_NONE ? -1 : (int)first; c >= 0; c = g->s->next[c]) {
        if ((g->n_mine & (g->n_mine - 1)) == 0)
            g->mine = xrealloc(g->mine, g->n_mine ? 2 * (size_t)g->n_mine : 1, sizeof *g->mine);
        g->mine[g->n_mine++] = c;
    }
}

static void add_single(struct judging *g, const struct judgment_table *t, const struct judgment_row *r, const struct json_member *m,
                       struct line_place at, int repeat)
{
    struct judged_row *j = rows_add(&g->d->judgments, &judgments_table);
    const char *judge = name_of(t, r->judge), *prompt = name_of(t, r->prompt);
    char *user_prompt = text_of(m[0].value);
    *j = (struct judged_row){ .question_id = r->question_id, .turn = r->turn, .repeat = repeat, .call = NOT_KNOWN, .status = r->status,
                              .score_is_int = r->score_is_int, .empty = r->empty, .score = r->score, .tstamp = number_of(m[2].value, NAN),
                              .judgment = text_of(m[1].value), .at = at };
    const size_t known = g->d->asked.n;
    j->asked = add_asked(g, r->question_id, judge, prompt, user_prompt);
    if (g->d->asked.n > known)           /* else the game of these names was marked with the row that is there */
        mark_game(g, judge, prompt, g->s->model[g->model], NULL);
    const struct asked_row *a = (const struct asked_row *)g->d->asked.row + j->asked;
    judged_written(&g->made, j, a, g->s->model[g->model], user_prompt ? user_prompt : "");
    keep_raw(&j->at, &g->region, &g->made);
    free(user_prompt);
}

static void add_pair(struct judging *g, const struct judgment_table *t, const struct judgment_row *r, const struct json_member *m,
                     struct line_place at, int repeat)
{
    struct pair_row *p = rows_add(&g->d->pairs, &pairs_table);
    const char *judge = name_of(t, r->judge), *prompt = name_of(t, r->prompt);
    char *prompt_1 = text_of(m[3].value), *prompt_2 = text_of(m[5].value);
    *p = (struct pair_row){ .question_id = r->question_id, .model_1 = xstrdup(name_of(t, r->model_1)),
                            .model_2 = xstrdup(name_of(t, r->model_2)), .turn = r->turn, .repeat = repeat, .call_1 = NOT_KNOWN,
                            .call_2 = NOT_KNOWN, .g1_winner = r->g1, .g2_winner = r->g2, .status = r->status, .empty = r->empty,
                            .tstamp = number_of(m[2].value, NAN), .g1_judgment = text_of(m[4].value), .g2_judgment = text_of(m[6].value),
                            .at = at };
    p->asked_1 = add_asked(g, r->question_id, judge, prompt, prompt_1);
    p->asked_2 = add_asked(g, r->question_id, judge, prompt, prompt_2);
    mark_game(g, judge, prompt, p->model_1, p->model_2);
    mark_game(g, judge, prompt, p->model_2, p->model_1);
    pair_written(&g->made, p, (const struct asked_row *)g->d->asked.row + p->asked_1, prompt_1 ? prompt_1 : "", prompt_2 ? prompt_2 : "");
    keep_raw(&p->at, &g->region, &g->made);
    free(prompt_1);
    free(prompt_2);
}

static int read_judgment(struct judging *g, const struct judged_file *f, struct judgment_table *t, const struct judged_line *l, int file,
                         struct err *err)
{
    struct json_member m[] = { { "user_prompt", {0} }, { "judgment", {0} }, { "tstamp", {0} }, { "g1_user_prompt", {0} },
                               { "g1_judgment", {0} }, { "g2_user_prompt", {0} }, { "g2_judgment", {0} } };
    struct lines lines;
    struct slice line;
    if (judged_read(f, l->start, l->end, &g->region, err) < 0)
        return -1;
    lines_begin(&lines, g->region.data, g->region.len);
    if (!lines_next(&lines, &line))
        return err_set(err, ERR_IO, "%s: changed while it was read; aggregate again", f->path);
    if (judgment_table_parse(t, f->path, line.ptr, line.len, err) < 0)
        return -1;
    if (t->pairs != (f->kind == FILE_PAIRS))
        return err_set(err, ERR_FORMAT, "%s: judgments of %s in it; give it the name that it has in FastChat", f->path,
                       t->pairs ? "pairs" : "single answers");
    json_scan_members(line.ptr, line.len, m, 7, NULL);
    buf_clear(&g->made);
    (t->pairs ? add_pair : add_single)(g, t, &t->row[t->n - 1], m, (struct line_place){ file, l->number, NULL }, f->repeat);
    return 0;
}

/* Only the rows of this model; the file's other lines are other runs'. */
static int read_judgments(struct judging *g, const struct judged_file *f, struct err *err)
{
    struct judgment_table t = {0};
    const struct judged_part *part = judged_part(f, g->model);
    if (!part)
        return 0;
    struct file_row *row = add_file(g->d, f->name, f->kind, f->sha256, f->bytes, f->n);
    const int file = (int)g->d->files.n - 1;
    int rc = f->tail < f->bytes ? judged_read(f, f->tail, f->bytes, &g->region, err) : 0;
    if (rc == 0 && f->tail < f->bytes)
        row->text = xstrndup(g->region.data, g->region.len);
    for (int i = part->first; i >= 0 && rc == 0; i = f->line[i].next)
        rc = read_judgment(g, f, &t, &f->line[i], file, err);
    judgment_table_free(&t);
    return rc;
}

/* ---- calls ---- */

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* The calls whose names are this run's, in the order of the journals. */
static void add_calls(struct judging *g)
{
    int *file = xcalloc((size_t)g->s->n_journals + 1, sizeof *file);     /* row of files, from 1; 0: not yet one */
    if (g->n_mine)
        qsort(g->mine, (size_t)g->n_mine, sizeof *g->mine, by_number);
    for (int i = 0; i < g->n_mine; i++) {
        const struct call_row *c = &g->s->call[g->mine[i]];
        if (!file[c->file]) {
            const struct file_row *j = &g->s->journal[c->file];
            add_file(g->d, j->path, FILE_CALLS, j->sha256, j->bytes, j->lines);
            file[c->file] = (int)g->d->files.n;
        }
        struct call_row *row = rows_add(&g->d->calls, &calls_table);
        *row = *c;
        row->file = file[c->file] - 1;
        row->key = xstrdup(c->key);
        row->model = copy_of(c->model);
        row->judge = copy_of(c->judge);
        row->reason = copy_of(c->reason);
    }
    free(file);
}

/* Which call each judgment came from: by the name that the judge gave it. */
static void link_calls(struct judging *g)
{
    struct judged_row *j = g->d->judgments.row;
    struct pair_row *p = g->d->pairs.row;
    const struct call_row *c = g->d->calls.row;
    const struct asked_row *asked = g->d->asked.row;
    struct map by_key = {0};
    char key[CALL_KEY_MAX + 1], (*names)[GAME_NAMES] = xcalloc(g->d->asked.n + 1, sizeof *names);       /* of each row of asked; "" not yet */
    for (size_t i = 0; i < g->d->calls.n; i++)
        map_set(&by_key, c[i].key, strlen(c[i].key), i);
    for (size_t i = 0; i < g->d->judgments.n; i++) {
        const struct asked_row *a = &asked[j[i].asked];
        const struct game_name name = { a->judge, a->prompt, g->s->model[g->model], NULL, j[i].question_id, j[i].turn, 1, j[i].repeat };
        if (!*names[j[i].asked])
            game_names(&name, names[j[i].asked]);
        game_key_of(&name, names[j[i].asked], key);
        const size_t at = map_find_text(&by_key, key);
        j[i].call = at == MAP_NONE ? NOT_KNOWN : (int32_t)at;
    }
    for (size_t i = 0; i < g->d->pairs.n; i++) {
        const struct asked_row *a = &asked[p[i].asked_1];
        int32_t *call[] = { &p[i].call_1, &p[i].call_2 };
        for (int game = 1; game <= 2; game++) {
            game_key(&(struct game_name){ a->judge, a->prompt, p[i].model_1, p[i].model_2, p[i].question_id, p[i].turn, game, p[i].repeat },
                     key);
            const size_t at = map_find_text(&by_key, key);
            *call[game - 1] = at == MAP_NONE ? NOT_KNOWN : (int32_t)at;
        }
    }
    free(names);
    map_free(&by_key);
}

/* ---- phases ---- */

static void add_phase(struct run_data *d, const struct json_member *m, int file)
{
    struct phase_row *p = rows_add(&d->phases, &phases_table);
    *p = (struct phase_row){ .name = text_of(m[0].value), .started = number_of(m[1].value, NAN), .seconds = number_of(m[2].value, NAN),
                             .energy_j = number_of(m[5].value, NAN), .tokens = NOT_KNOWN, .nodes = NOT_KNOWN, .file = file,
                             .source = text_of(m[6].value), .reason = text_of(m[7].value) };
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
    add_file(d, name, FILE_PHASES, sha256, (int64_t)b.len, count_lines(&b));
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
    const bool ours = head && !is_of_calls(head) && json_scan_members(head, strlen(head), &identity, 1, NULL) == 0 && identity.value.ptr;
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
    struct judging g = { .s = s, .model = model, .d = d, .fill = { &g.turns, &s->questions, &s->reference } };
    if (read_turns(s, model, d, err) < 0 || read_answers(s, model, d, err) < 0)
        return -1;
    turn_index_build(&g.turns, d);       /* no turn is added from here on */
    int rc = 0;
    for (int f = 0; f < s->n_files && rc == 0; f++)
        rc = read_judgments(&g, &s->file[f], err);
    if (rc == 0) {
        add_calls(&g);
        link_calls(&g);
        rc = read_all_phases(s, model, d, err);
    }
    if (rc == 0)
        add_up(d);
    turn_index_free(&g.turns);
    map_free(&g.asked);
    map_free(&g.games);
    free(g.mine);
    buf_free(&g.region);
    buf_free(&g.made);
    return rc;
}
