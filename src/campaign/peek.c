/* peek.c - what a model would see, and what it would say next, one JSON object a line. */
#include "mtbench/peek.h"

#include "mtbench/answer_set.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/prompt.h"
#include "mtbench/question.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- output ---- */

static void put_ids(struct buf *b, const char *name, const int32_t *id, size_t n)
{
    buf_printf(b, "\"%s\": [", name);
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s%d", i ? ", " : "", id[i]);
    buf_char(b, ']');
}

/* Ids of the n largest logits into best, ties by lowest id. Returns how many. */
static int top_ids(const float *logits, int n_vocab, int n, int32_t *best)
{
    int kept = 0;
    for (int32_t v = 0; v < n_vocab; v++) {
        int at = kept;
        while (at > 0 && logits[v] > logits[best[at - 1]])
            at--;
        if (at >= n)
            continue;
        memmove(best + at + 1, best + at, (size_t)((kept < n ? kept : n - 1) - at) * sizeof *best);
        best[at] = v;
        kept += kept < n;
    }
    return kept;
}

static void put_best(struct buf *b, const float *logits, const int32_t *best, int n)
{
    buf_str(b, "\"top\": [");
    for (int i = 0; i < n; i++) {
        buf_printf(b, "%s[%d, ", i ? ", " : "", best[i]);
        json_put_double(b, (double)logits[best[i]]);
        buf_char(b, ']');
    }
    buf_char(b, ']');
}

static void put_top(struct buf *b, const struct tokenizer *t, const float *logits, int n_vocab, int n)
{
    int32_t *best = xcalloc((size_t)n, sizeof *best);
    struct buf text = {0};
    int kept = top_ids(logits, n_vocab, n, best);
    buf_str(b, ", ");
    put_best(b, logits, best, kept);
    buf_str(b, ", \"top_texts\": [");
    for (int i = 0; i < kept; i++) {
        buf_clear(&text);
        tokenizer_decode(t, &best[i], 1, 0, &text);
        buf_str(b, i ? ", " : "");
        json_put_string(b, text.data ? text.data : "", text.len);
    }
    buf_char(b, ']');
    buf_free(&text);
    free(best);
}

static double spread_of(const float *logits, int n)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += (double)logits[i];
    for (int i = 0; i < n; i++)
        squares += ((double)logits[i] - sum / n) * ((double)logits[i] - sum / n);
    return sqrt(squares / n);
}

static bool is_stop(const struct ids *stops, int32_t id)
{
    for (size_t i = 0; i < stops->n; i++)
        if (stops->id[i] == id)
            return true;
    return false;
}

/* 'logits' are those behind the prompt. */
static int put_greedy(const struct peek *o, struct buf *b, const struct ids *prompt, float *logits, struct err *err)
{
    const struct model_config *c = &o->rig->model->config;
    struct ids ids = {0};
    struct buf text = {0};
    int32_t *best = xcalloc((size_t)o->top, sizeof *best);
    int rc = 0;
    for (size_t i = 0; i < prompt->n; i++)
        ids_add(&ids, prompt->id[i]);
    buf_str(b, ", \"greedy\": [");
    for (long i = 0; rc == 0 && i < o->greedy; i++) {
        buf_str(b, i ? ", {" : "{");
        put_best(b, logits, best, top_ids(logits, c->n_vocab, (int)o->top, best));
        buf_str(b, ", \"spread\": ");
        json_put_double(b, spread_of(logits, c->n_vocab));
        buf_char(b, '}');
        if (is_stop(&o->rig->stops, best[0]) || ids.n + 1 >= (size_t)c->context)
            break;
        ids_add(&ids, best[0]);
        if (i + 1 < o->greedy)
            rc = engine_logits(o->rig->engine, ids.id, (int)ids.n, logits, err);
    }
    tokenizer_decode(o->rig->tokenizer, ids.id + prompt->n, ids.n - prompt->n, 0, &text);
    buf_str(b, "], \"greedy_text\": ");
    json_put_string(b, text.data ? text.data : "", text.len);
    buf_free(&text);
    ids_free(&ids);
    free(best);
    return rc;
}

static int put_prompt(const struct peek *o, const struct prompt *p, bool rendered, struct err *err)
{
    struct buf b = {0};
    const struct model_config *c = &o->rig->model->config;
    buf_char(&b, '{');
    if (rendered) {
        buf_str(&b, "\"prompt\": ");
        json_put_string(&b, p->text.data, p->text.len);
        buf_str(&b, ", ");
    }
    put_ids(&b, "ids", p->ids.id, p->ids.n);
    if (rendered) {
        buf_str(&b, ", ");
        put_ids(&b, "stop_ids", o->rig->stops.id, o->rig->stops.n);
    }
    int rc = 0;
    if (o->top) {
        float *logits = xcalloc((size_t)c->n_vocab, sizeof *logits);
        rc = engine_logits(o->rig->engine, p->ids.id, (int)p->ids.n, logits, err);
        if (rc == 0)
            put_top(&b, o->rig->tokenizer, logits, c->n_vocab, (int)o->top);
        if (rc == 0 && o->greedy)
            rc = put_greedy(o, &b, &p->ids, logits, err);
        free(logits);
    }
    if (rc == 0)
        fprintf(o->out, "%s}\n", b.data);
    buf_free(&b);
    return rc;
}

/* ---- inputs ---- */

static int put_messages(const struct peek *o, const struct chat_message *m, int n, struct err *err)
{
    struct prompt p = {0};
    int rc = prompt_build(&p, o->rig->tokenizer, o->rig->chat, m, n, err);
    if (rc == 0)
        rc = put_prompt(o, &p, true, err);
    prompt_free(&p);
    return rc;
}

/* The answers to the turns before --turn: words of the command line, or choice 0 of an answer file. */
static int put_turn(const struct peek *o, const struct question *q, struct err *err)
{
    struct model_answers file = {0};
    int n = (int)o->turn - 1, rc = o->answer_file ? model_answers_read(o->answer_file, &file, err) : 0;
    const struct model_answer *a = rc == 0 && o->answer_file ? answer_set_find(&file, o->question) : NULL;
    if (rc == 0 && o->answer_file && (!a || a->n_turns < n))
        rc = err_set(err, ERR_USAGE, "--answer-file %s: has no answers to the %d turns before turn %ld of question %ld", o->answer_file, n,
                     o->turn, o->question);
    struct chat_message *m = xcalloc(2 * (size_t)o->turn, sizeof *m);
    for (int i = 0; rc == 0 && i <= n; i++) {
        m[2 * i] = (struct chat_message){ "user", q->turn[i], strlen(q->turn[i]) };
        const char *answer = i == n ? "" : a ? a->turn[i] : o->answer.word[i];
        m[2 * i + 1] = (struct chat_message){ "assistant", answer, strlen(answer) };
    }
    rc = rc < 0 ? rc : put_messages(o, m, 2 * n + 1, err);
    free(m);
    model_answers_free(&file);
    return rc;
}

int peek_question(const struct peek *o, struct err *err)
{
    struct buf b = {0};
    struct questions qs = {0};
    char *path = bench_questions_path(o->data_dir, o->bench_name);
    int rc = io_read(path, &b, err);
    if (rc == 0)
        rc = questions_parse(path, b.data, b.len, &qs, err);
    const struct question *q = NULL;
    for (int i = 0; i < qs.n; i++)
        if (qs.q[i].id == o->question)
            q = &qs.q[i];
    if (rc == 0 && (!q || q->n_turns < o->turn))
        rc = err_set(err, ERR_USAGE, "--question %ld: %s in %s", o->question, q ? "has no such turn" : "is not", path);
    if (rc == 0)
        rc = put_turn(o, q, err);
    questions_free(&qs);
    buf_free(&b);
    free(path);
    return rc;
}

static int put_message_line(const struct peek *o, const cJSON *j, struct err *err)
{
    const cJSON *item;
    int n = 0, rc = 0;
    if (!cJSON_IsArray(j))
        return err_set(err, ERR_FORMAT, "no JSON list of {role, content}");
    struct chat_message *m = xcalloc((size_t)cJSON_GetArraySize(j), sizeof *m);
    cJSON_ArrayForEach(item, j)
    {
        const cJSON *role = json_get(item, "role"), *content = json_get(item, "content");
        if (!cJSON_IsString(role) || !cJSON_IsString(content)) {
            rc = err_set(err, ERR_FORMAT, "message %d lacks role or content", n + 1);
            break;
        }
        m[n++] = (struct chat_message){ role->valuestring, content->valuestring, strlen(content->valuestring) };
    }
    if (rc == 0)
        rc = put_messages(o, m, n, err);
    free(m);
    return rc;
}

static int put_text_line(const struct peek *o, const cJSON *j, struct err *err)
{
    struct prompt p = {0};
    if (!cJSON_IsString(j))
        return err_set(err, ERR_FORMAT, "no JSON string");
    int rc = tokenizer_encode(o->rig->tokenizer, j->valuestring, strlen(j->valuestring), ENC_PARSE_SPECIAL, &p.ids, err);
    if (rc == 0)
        rc = put_prompt(o, &p, false, err);
    prompt_free(&p);
    return rc;
}

int peek_lines(const struct peek *o, struct err *err)
{
    const char *path = o->messages ? o->messages : o->text;
    struct lines_file *f = lines_open(path, err);
    struct slice line;
    int rc = f ? 1 : -1;
    while (rc == 1 && (rc = lines_read(f, &line, err)) == 1) {
        cJSON *j = json_parse(line.ptr, line.len, err);
        if (!j || (o->messages ? put_message_line(o, j, err) : put_text_line(o, j, err)) < 0)
            rc = err_wrap(err, "%s:%ld", path, lines_number(f));
        cJSON_Delete(j);
    }
    lines_close(f);
    return rc;
}
