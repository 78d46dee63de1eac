/* answer_file.c - from the finished turns of a run to its answer file, its digest and its manifest. */
#include "mtbench/answer_file.h"

#include "mtbench/answer.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/json_scan.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Texts come as JSON and go as JSON: the bytes of a journal are those of the file. False: a turn is not done, and b is half a record. */
static bool put_choice(struct buf *b, const struct answered *r, const struct question *q, int choice, double *latest)
{
    /* The index is the place in the list; readers of FastChat take choices by place. */
    buf_printf(b, "%s{\"index\": %d, \"turns\": [", choice ? ", " : "", choice);
    for (int t = 1; t <= q->n_turns; t++) {
        double tstamp;
        buf_str(b, t > 1 ? ", " : "");
        if (!r->text(r->ctx, q, choice, t, b, &tstamp))
            return false;
        /* Of its last turn and not of this writing: whoever writes the file again writes the same bytes. */
        *latest = tstamp > *latest ? tstamp : *latest;
    }
    buf_str(b, "]}");
    return true;
}

/* The record of a question, or nothing if one of its turns is missing. */
static bool put_answer(struct buf *b, const struct answered *r, const struct question *q)
{
    size_t start = b->len;
    double latest = 0;
    char id[23];
    answer_id(r->model_id, q->id, r->seed, id);
    /* Keys, blanks and number forms are those of FastChat's json.dumps: the bytes of the line are the contract. */
    buf_printf(b, "{\"question_id\": %lld, \"answer_id\": \"%s\", \"model_id\": ", (long long)q->id, id);
    json_put_string(b, r->model_id, strlen(r->model_id));
    buf_str(b, ", \"choices\": [");
    for (int c = 0; c < r->n_choices; c++) {
        if (!put_choice(b, r, q, c, &latest)) {
            b->len = start;              /* half a question is none in FastChat's files; its turns stay in the journal */
            return false;
        }
    }
    buf_str(b, "], \"tstamp\": ");
    json_put_double(b, latest);
    buf_char(b, '}');
    return true;
}

int answer_file_write(const char *path, const struct answered *r, struct err *err)
{
    int most = r->questions->n, n = 0;
    struct answer_line *line = xcalloc((size_t)most, sizeof *line);
    struct buf b = {0};
    for (int i = 0; i < most; i++) {
        size_t start = b.len;
        if (put_answer(&b, r, &r->questions->q[i]))
            line[n++] = (struct answer_line){ r->questions->q[i].id, { NULL, b.len - start } };
    }
    const char *at = b.data;             /* not before the buffer has stopped moving */
    for (int i = 0; i < n; at += line[i++].line.len)
        line[i].line.ptr = at;
    /* Without any complete question the file is left alone: an empty one would be a model that has no answers. */
    int rc = n ? answers_merge(path, line, (size_t)n, err) : 0;
    buf_free(&b);
    free(line);
    return rc < 0 ? -1 : n;
}

/* ---- checking ---- */

/* The text of a JSON string that is known to be one, as C strings have it (nul.h). Caller frees. */
static char *spelled_text(const struct buf *json)
{
    struct json_text text;
    if (!json_member_string((struct slice){ json->data, json->len }, &text))
        return xstrdup("");
    char *out = xcalloc(text.len + 1, 1);
    long n = json_text_decode(&text, out);
    out[n > 0 ? n : 0] = '\0';
    return out;
}

struct check {
    const struct answered *r;
    void (*see)(void *ctx, const struct question *q, int choice, int turn, const char *text);
    void *ctx;
};

static void check_turn(const struct check *c, const struct question *q, int choice, int turn, const cJSON *there)
{
    struct buf json = {0};
    double tstamp;
    if (c->r->text(c->r->ctx, q, choice, turn, &json, &tstamp)) {
        char *text = spelled_text(&json);
        const char *said = cJSON_IsString(there) ? there->valuestring : NULL;
        if (!said || strcmp(said, text))
            c->see(c->ctx, q, choice, turn, said);
        free(text);
    }
    buf_free(&json);
}

static int check_line(const struct check *c, const struct question *q, struct slice line, struct err *err)
{
    cJSON *j = json_parse(line.ptr, line.len, err);
    if (!j)
        return -1;
    const cJSON *choices = json_get(j, "choices");
    for (int i = 0; i < c->r->n_choices; i++)
        for (int t = 1; t <= q->n_turns; t++)
            check_turn(c, q, i, t, cJSON_GetArrayItem(json_get(cJSON_GetArrayItem(choices, i), "turns"), t - 1));
    cJSON_Delete(j);
    return 0;
}

/* The last line of each question, and its number. */
static int last_lines(const char *path, const struct questions *qs, const struct buf *b, struct slice *last, long *number, struct err *err)
{
    struct json_member id = { "question_id", {0} };
    struct lines from;
    struct slice line;
    int64_t question_id;
    lines_begin(&from, b->data, b->len);
    while (lines_next(&from, &line)) {
        if (json_scan_members(line.ptr, line.len, &id, 1, err) < 0)
            return err_wrap(err, "%s:%ld", path, from.number);
        int q = json_member_whole(id.value, &question_id) ? questions_find(qs, question_id) : -1;
        if (q >= 0)
            last[q] = line, number[q] = from.number;
    }
    return 0;
}

int answer_file_check(const char *path, const struct answered *r,
                      void (*see)(void *ctx, const struct question *q, int choice, int turn, const char *text), void *ctx, struct err *err)
{
    const struct check c = { r, see, ctx };
    struct buf b = {0};
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return 0;
    if (io_read(path, &b, err) < 0)
        return -1;
    struct slice *last = xcalloc((size_t)r->questions->n, sizeof *last);
    long *number = xcalloc((size_t)r->questions->n, sizeof *number);
    int rc = last_lines(path, r->questions, &b, last, number, err);
    for (int q = 0; rc == 0 && q < r->questions->n; q++)
        if (last[q].ptr && (rc = check_line(&c, &r->questions->q[q], last[q], err)) < 0)
            err_wrap(err, "%s:%ld", path, number[q]);
    free(last);
    free(number);
    buf_free(&b);
    return rc;
}

/* ---- digest ---- */

/* The text of a JSON string that is known to be one. */
static void plain_text(const struct buf *json, struct buf *out)
{
    struct json_text text;
    buf_clear(out);
    if (!json_member_string((struct slice){ json->data, json->len }, &text))
        return;
    char *spelled = xcalloc(text.len + 1, 1);
    long n = json_text_decode(&text, spelled);
    nul_read(out, spelled, n > 0 ? (size_t)n : 0);
    free(spelled);
}

static int by_question(const void *a, const void *b)
{
    const struct question *x = *(const struct question *const *)a, *y = *(const struct question *const *)b;
    return (x->id > y->id) - (x->id < y->id);
}

/* In order of ids, so that the digest knows nothing of the order of lines in question.jsonl, of ranks, or of time. */
void answer_file_digest(const struct answered *r, char hex[65])
{
    struct digest *d = digest_begin();
    struct buf json = {0}, text = {0};
    int n = r->questions->n;
    const struct question **order = xcalloc((size_t)n, sizeof *order);
    for (int i = 0; i < n; i++)
        /* The digest goes by id: a question file in another order is the same benchmark. */
        order[i] = &r->questions->q[i];
    qsort(order, (size_t)n, sizeof *order, by_question);
    for (int i = 0; i < n; i++) {
        for (int c = 0; c < r->n_choices; c++) {
            for (int t = 1; t <= order[i]->n_turns; t++) {
                double tstamp;
                buf_clear(&json);
                if (!r->text(r->ctx, order[i], c, t, &json, &tstamp))
                    continue;            /* the digest of an unfinished run is that of its part */
                plain_text(&json, &text);
                digest_turn(d, order[i]->id, c, t, text.data ? text.data : "", text.len);
            }
        }
    }
    free(order);
    buf_free(&json);
    buf_free(&text);
    digest_end(d, hex);
}

int answer_file_manifest(const char *journal, const char *line, struct err *err)
{
    /* The journal's name ends so, since journal_path() made it. */
    char *text = xasprintf("%s\n", line), *path = xasprintf("%.*s.manifest", (int)(strlen(journal) - strlen(".journal")), journal);
    int rc = io_replace(path, text, strlen(text), err); /* readers see the old manifest or this one */
    free(path);
    free(text);
    return rc;
}
