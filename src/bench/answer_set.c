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

/* An answer's pointers and texts are one block. */
static void drop_turns(struct model_answer *a)
{
    free(a->turn);
    a->turn = NULL;
    a->n_turns = 0;
}

/* ---- one line ---- */

static const char failed[] = "$ERROR$";

/* A value of the line, which was scanned once: only what it is can be wrong, and columns count from the line's start. */
static struct json_scan scan_of(struct slice value, const char *line)
{
    struct json_scan s;
    json_scan_begin(&s, value.ptr, value.len);
    s.start = line;
    return s;
}

static int count_items(struct slice list)
{
    struct json_scan s = scan_of(list, list.ptr);
    bool first = true;
    int n = 0;
    if (json_scan_open(&s, '['))
        while (json_scan_item(&s, &first) == 1 && json_scan_skip(&s))
            n++;
    return n;
}

/* The text at the scan, with its NUL; returns its length, -1: err. */
static long read_text(struct json_scan *s, char *out, struct err *err)
{
    struct json_text text;
    if (json_scan_peek(s) == 'n' && json_scan_skip(s)) {     /* a reply without content, which FastChat stores as null */
        memcpy(out, failed, sizeof failed);
        return (long)sizeof failed - 1;
    }
    if (!json_scan_string(s, &text))
        return json_scan_error(s, err);
    long n = json_text_decode(&text, out);
    if (n < 0)
        return err_set(err, ERR_FORMAT, "an answer holds half a surrogate pair; correct the line");
    out[n] = '\0';
    return n;
}

static int parse_turns(struct slice list, const char *line, struct model_answer *a, struct err *err)
{
    struct json_scan s = scan_of(list, line);
    size_t n = (size_t)count_items(list);
    bool first = true;
    if (!json_scan_open(&s, '['))
        return json_scan_error(&s, err);
    /* Decoded, a text and its NUL fit where the quoted text was; null grows. */
    a->turn = xcalloc(1, n * (sizeof *a->turn + sizeof failed) + list.len);
    char *at = (char *)(a->turn + n);
    /* scanned before, so it ends with 0: only what stands there can be wrong */
    while (json_scan_item(&s, &first) == 1) {
        long len = read_text(&s, at, err);
        if (len < 0)
            return -1;
        a->turn[a->n_turns++] = at;
        at += len + 1;
    }
    return 0;
}

/* [{"index": 0, "turns": [...]}, ...]: the first counts. */
static int first_choice(struct slice choices, const char *line, struct slice *first_one, struct err *err)
{
    struct json_scan s = scan_of(choices, line);
    bool first = true;
    if (!json_scan_open(&s, '[') || json_scan_item(&s, &first) != 1)
        return json_scan_error(&s, err);
    json_scan_peek(&s);
    first_one->ptr = s.at;
    if (!json_scan_skip(&s))
        return json_scan_error(&s, err);
    first_one->len = (size_t)(s.at - first_one->ptr);
    return 0;
}

static int parse_answer(const char *line, size_t n, struct model_answer *a, struct err *err)
{
    struct json_member m[] = { { "question_id", {0} }, { "choices", {0} } }, turns = { "turns", {0} };
    struct slice choice = {0};
    if (json_scan_members(line, n, m, 2, err) < 0)
        return -1;
    if (m[1].value.ptr && (first_choice(m[1].value, line, &choice, err) < 0 ||
                           json_scan_members(choice.ptr, choice.len, &turns, 1, err) < 0 ||
                           (turns.value.ptr && parse_turns(turns.value, line, a, err) < 0)))
        return -1;
    if (!m[0].value.ptr || a->n_turns == 0) /* question files and judgments have question_id too, but no turns in choices */
        return err_set(err, ERR_FORMAT, "no \"question_id\", or no \"choices\" with \"turns\"; is this an answer file?");
    if (!json_member_whole(m[0].value, &a->question_id))
        return err_set(err, ERR_FORMAT, "\"question_id\" is no whole number");
    return 0;
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
    /* the order of the file is kept among equal ids, which qsort() alone would not promise */
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
    /* Texts were copied out of the file's bytes, which may go. */
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
    /* not counted until it is read: an error leaves the set as it was */
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
        if (!answer_set_model(s, name[i])) /* named twice, read once */
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

static struct model_answer copy_answer(int64_t question_id, const char *const *turn, int n_turns)
{
    size_t bytes = 0;
    for (int i = 0; i < n_turns; i++)
        bytes += strlen(turn[i]) + 1;
    struct model_answer a = { question_id, n_turns, xcalloc(1, (size_t)n_turns * sizeof(char *) + bytes) };
    char *at = (char *)(a.turn + n_turns);
    for (int i = 0; i < n_turns; i++) {
        a.turn[i] = at;
        at = stpcpy(at, turn[i]) + 1;
    }
    return a;
}

void answer_set_add(struct answer_set *s, const char *model, int64_t question_id, const char *const *turn, int n_turns)
{
    struct model_answers *m = model_of(s, model);
    if (!m) {
        s->model = xrealloc(s->model, (size_t)s->n + 1, sizeof *s->model);
        m = &s->model[s->n++];
        *m = (struct model_answers){ .model = xstrdup(model) };
    }
    struct model_answer fresh = copy_answer(question_id, turn, n_turns);
    int at = place_of(m, question_id);
    if (at < m->n && m->answer[at].question_id == question_id)
        drop_turns(&m->answer[at]);
    else {
        m->answer = xrealloc(m->answer, (size_t)m->n + 1, sizeof *m->answer);
        /* An insertion moves what lies behind it: 20,000 answers that arrive in any order cost a tenth of a second in all. */
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
