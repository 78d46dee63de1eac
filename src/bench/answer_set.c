/* answer_set.c - the answers of many models, from FastChat's answer files. */
#include "mtbench/answer_set.h"

#include "mtbench/io.h"
#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

bool answer_is_failure(const char *text)
{
    return !strcmp(text, "ERROR") || !strcmp(text, "$ERROR$");
}

static void drop_turns(struct model_answer *a)
{
    for (int i = 0; i < a->n_turns; i++)
        free(a->turn[i]);
    free(a->turn);
    a->turn = NULL;
    a->n_turns = 0;
}

/* ---- one line ---- */

static int scan_text(struct json_scan *s, char **out, struct err *err)
{
    struct json_text text;
    if (json_scan_peek(s) == 'n') {      /* a reply without content, which FastChat stores as it is */
        if (!json_scan_skip(s))
            return json_scan_error(s, err);
        *out = xstrdup("$ERROR$");
        return 0;
    }
    if (!json_scan_string(s, &text))
        return json_scan_error(s, err);
    char *plain = xcalloc(text.len + 1, 1);
    long n = json_text_decode(&text, plain);
    if (n < 0) {
        free(plain);
        return err_set(err, ERR_FORMAT, "an answer holds half a surrogate pair; correct the line");
    }
    plain[n] = '\0';
    *out = plain;
    return 0;
}

static int scan_turns(struct json_scan *s, struct model_answer *a, struct err *err)
{
    bool first = true;
    int k;
    drop_turns(a);
    if (!json_scan_open(s, '['))
        return json_scan_error(s, err);
    while ((k = json_scan_item(s, &first)) == 1) {
        char *text = NULL;
        if (scan_text(s, &text, err) < 0)
            return -1;
        a->turn = xrealloc(a->turn, (size_t)a->n_turns + 1, sizeof *a->turn);
        a->turn[a->n_turns++] = text;
    }
    return k < 0 ? json_scan_error(s, err) : 0;
}

/* [{"index": 0, "turns": [...]}, ...]: the first counts, the others are passed over. */
static int scan_choices(struct json_scan *s, struct model_answer *a, struct err *err)
{
    struct json_text key;
    bool first = true, first_key = true;
    int k;
    drop_turns(a);
    if (!json_scan_open(s, '[') || json_scan_item(s, &first) != 1 || !json_scan_open(s, '{'))
        return json_scan_error(s, err);
    while ((k = json_scan_key(s, &first_key, &key)) == 1) {
        if (json_text_is(&key, "turns") ? scan_turns(s, a, err) < 0 : !json_scan_skip(s) && json_scan_error(s, err))
            return -1;
    }
    if (k < 0)
        return json_scan_error(s, err);
    while ((k = json_scan_item(s, &first)) == 1)
        if (!json_scan_skip(s))
            break;
    return k ? json_scan_error(s, err) : 0;
}

static int scan_id(struct json_scan *s, int64_t *id, struct err *err)
{
    double v;
    bool is_int;
    if (!json_scan_number(s, &v, &is_int))
        return json_scan_error(s, err);
    if (!(v >= -9007199254740991.0 && v <= 9007199254740991.0) || v != (double)(int64_t)v)
        return err_set(err, ERR_FORMAT, "\"question_id\" is no whole number");
    *id = (int64_t)v;
    return 0;
}

static int parse_answer(const char *line, size_t n, struct model_answer *a, struct err *err)
{
    struct json_scan s;
    struct json_text key;
    bool first = true, has_id = false;
    int k, rc = 0;
    json_scan_begin(&s, line, n);
    if (!json_scan_open(&s, '{'))
        return json_scan_error(&s, err);
    while (rc == 0 && (k = json_scan_key(&s, &first, &key)) == 1) {
        if (json_text_is(&key, "question_id"))
            rc = scan_id(&s, &a->question_id, err), has_id = true;
        else if (json_text_is(&key, "choices"))
            rc = scan_choices(&s, a, err);
        else if (!json_scan_skip(&s))
            rc = json_scan_error(&s, err);
    }
    if (rc == 0 && (k < 0 || !json_scan_end(&s)))
        rc = json_scan_error(&s, err);
    if (rc == 0 && (!has_id || a->n_turns == 0))
        rc = err_set(err, ERR_FORMAT, "no \"question_id\", or no \"choices\" with \"turns\"; is this an answer file?");
    return rc;
}

/* ---- one file ---- */

struct ordered {
    struct model_answer answer;
    int order;
};

static int by_id(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    int64_t p = x->answer.question_id, q = y->answer.question_id;
    return p != q ? (p > q) - (p < q) : x->order - y->order;
}

/* Sort by question, keep the last of each. */
static void keep_last(struct ordered *line, int n, struct model_answers *m)
{
    if (n)
        qsort(line, (size_t)n, sizeof *line, by_id);
    m->answer = xcalloc((size_t)n, sizeof *m->answer);
    for (int i = 0; i < n; i++) {
        if (i + 1 < n && line[i + 1].answer.question_id == line[i].answer.question_id)
            drop_turns(&line[i].answer);
        else
            m->answer[m->n++] = line[i].answer;
    }
}

int model_answers_parse(const char *name, const char *data, size_t n, struct model_answers *m, struct err *err)
{
    struct ordered *line = NULL;
    int n_lines = 0, rc = 0;
    struct lines lines;
    struct slice text;
    lines_begin(&lines, data, n);
    while (rc == 0 && lines_next(&lines, &text)) {
        if (n_lines % 128 == 0)
            line = xrealloc(line, (size_t)n_lines + 128, sizeof *line);
        line[n_lines] = (struct ordered){ .order = n_lines };
        rc = parse_answer(text.ptr, text.len, &line[n_lines++].answer, err);
        if (rc < 0)
            err_wrap(err, "%s:%ld", name, lines.number);
    }
    for (int i = 0; rc < 0 && i < n_lines; i++)
        drop_turns(&line[i].answer);
    if (rc == 0)
        keep_last(line, n_lines, m);
    free(line);
    return rc;
}

int model_answers_read(const char *path, struct model_answers *m, struct err *err)
{
    struct buf b = {0};
    int rc = io_read(path, &b, err);
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    size_t n = strlen(base), k = strlen(".jsonl");
    *m = (struct model_answers){0};
    m->model = xstrndup(base, n > k && !strcmp(base + n - k, ".jsonl") ? n - k : n);
    if (rc == 0)
        rc = model_answers_parse(path, b.data, b.len, m, err);
    if (rc < 0)
        model_answers_free(m);
    buf_free(&b);
    return rc;
}

void model_answers_free(struct model_answers *m)
{
    for (int i = 0; i < m->n; i++)
        drop_turns(&m->answer[i]);
    free(m->answer);
    free(m->model);
    *m = (struct model_answers){0};
}

/* ---- a folder ---- */

static int is_answer_file(const struct dirent *e)
{
    size_t n = strlen(e->d_name), k = strlen(".jsonl");
    return n > k && e->d_name[0] != '.' && !strcmp(e->d_name + n - k, ".jsonl");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* 'name' may have a slash in it (ORG/MODEL): the model's name is what was asked for, not what the file is called. */
static int read_model(struct answer_set *s, const char *folder, const char *name, int n_name, struct err *err)
{
    char *stem = xstrndup(name, (size_t)n_name), *path = bench_answers_file(folder, stem);
    s->model = xrealloc(s->model, (size_t)s->n + 1, sizeof *s->model);
    struct model_answers *m = &s->model[s->n];
    int rc = model_answers_read(path, m, err);
    if (rc == 0) {
        free(m->model);
        m->model = xstrndup(name, (size_t)n_name);
        s->n++;
    }
    free(stem);
    free(path);
    return rc;
}

static int read_folder(struct answer_set *s, const char *folder, struct err *err)
{
    struct dirent **entry;
    int rc = 0, n = scandir(folder, &entry, is_answer_file, by_name);
    if (n < 0)
        return err_errno(err, "%s: cannot read the folder of answers", folder);
    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = read_model(s, folder, entry[i]->d_name, (int)(strlen(entry[i]->d_name) - strlen(".jsonl")), err);
        free(entry[i]);
    }
    free(entry);
    return rc;
}

int answer_set_read(struct answer_set *s, const char *folder, const char *const *name, int n_names, struct err *err)
{
    int rc = n_names ? 0 : read_folder(s, folder, err);
    for (int i = 0; rc == 0 && i < n_names; i++)
        if (!answer_set_model(s, name[i]))
            rc = read_model(s, folder, name[i], (int)strlen(name[i]), err);
    if (rc < 0)
        answer_set_free(s);
    return rc;
}

/* ---- the set ---- */

static struct model_answers *model_of(const struct answer_set *s, const char *model)
{
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->model[i].model, model))
            return &s->model[i];
    return NULL;
}

const struct model_answers *answer_set_model(const struct answer_set *s, const char *model)
{
    return model_of(s, model);
}

/* Where the question is, or would be. */
static int place_of(const struct model_answers *m, int64_t question_id)
{
    int low = 0, high = m->n;
    while (low < high) {
        int middle = low + (high - low) / 2;
        if (m->answer[middle].question_id < question_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct model_answer *answer_set_find(const struct model_answers *m, int64_t question_id)
{
    int i = place_of(m, question_id);
    return i < m->n && m->answer[i].question_id == question_id ? &m->answer[i] : NULL;
}

void answer_set_add(struct answer_set *s, const char *model, int64_t question_id, const char *const *turn, int n_turns)
{
    struct model_answers *m = model_of(s, model);
    if (!m) {
        s->model = xrealloc(s->model, (size_t)s->n + 1, sizeof *s->model);
        m = &s->model[s->n++];
        *m = (struct model_answers){ .model = xstrdup(model) };
    }
    struct model_answer fresh = { question_id, n_turns, xcalloc((size_t)n_turns, sizeof(char *)) };
    for (int i = 0; i < n_turns; i++)
        fresh.turn[i] = xstrdup(turn[i]);
    int at = place_of(m, question_id);
    if (at < m->n && m->answer[at].question_id == question_id)
        drop_turns(&m->answer[at]);
    else {
        m->answer = xrealloc(m->answer, (size_t)m->n + 1, sizeof *m->answer);
        memmove(&m->answer[at + 1], &m->answer[at], (size_t)(m->n++ - at) * sizeof *m->answer);
    }
    m->answer[at] = fresh;
}

void answer_set_free(struct answer_set *s)
{
    for (int i = 0; i < s->n; i++)
        model_answers_free(&s->model[i]);
    free(s->model);
    *s = (struct answer_set){0};
}
