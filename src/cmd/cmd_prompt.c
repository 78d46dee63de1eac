/* cmd_prompt.c - the verb `prompt`: what the model would see, and what it would say next. One JSON object a line. */
#include "cmd.h"

#include "mtbench/answer_set.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/log.h"
#include "mtbench/lines.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/prompt.h"
#include "mtbench/question.h"
#include "mtbench/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prompt_opts {
    const char *bench_name, *data_dir, *model_path, *model_id, *revision, *chat_template, *messages, *text, *answer_file;
    struct opt_list answer;
    long question, turn, top_logits, threads;
    bool given_question, quiet, verbose;
};

static int check_opts(const struct prompt_opts *o, struct err *err)
{
    if (!o->model_path || !*o->model_path)
        return err_set(err, ERR_USAGE, "--model-path: %s; give a folder, a .gguf file or a hub id", o->model_path ? "empty" : "missing");
    if (o->given_question + (o->messages != NULL) + (o->text != NULL) != 1)
        return err_set(err, ERR_USAGE, "--question, --messages, --text: give one of them");
    if (o->turn < 1)
        return err_set(err, ERR_USAGE, "--turn %ld: must be 1 or more", o->turn);
    if (o->answer.n && o->answer_file)
        return err_set(err, ERR_USAGE, "--answer, --answer-file: give one of them");
    if (!o->answer_file && o->answer.n < o->turn - 1)
        return err_set(err, ERR_USAGE, "--turn %ld: needs the answers to the %ld turns before; give them by --answer or --answer-file",
                       o->turn, o->turn - 1);
    if (o->top_logits < 0 || o->top_logits > 1000)
        return err_set(err, ERR_USAGE, "--top-logits %ld: must lie between 0 and 1000", o->top_logits);
    if (o->threads < 0 || o->threads > 1024)
        return err_set(err, ERR_USAGE, "--threads %ld: must lie between 0 (all cores) and 1024", o->threads);
    return 0;
}

static int parse_opts(struct prompt_opts *o, int argc, char **argv, struct err *err)
{
    *o = (struct prompt_opts){ .bench_name = "mt_bench", .data_dir = "data", .model_id = "", .turn = 1 };
    const struct opt table[] = {
        { "model-path", OPT_STRING, &o->model_path, NULL, "PATH", "weights: a folder, a .gguf file, or a hub id in the local cache" },
        { "model-id", OPT_STRING, &o->model_id, NULL, "NAME", "for FastChat's rules where the model has no template" },
        { "chat-template", OPT_STRING, &o->chat_template, NULL, "NAME", "auto, a FastChat template's name, or a Jinja file (auto)" },
        { "revision", OPT_STRING, &o->revision, NULL, "NAME", "revision in the hub cache (main)" },
        { "bench-name", OPT_STRING, &o->bench_name, NULL, "NAME", "question set (mt_bench)" },
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where question sets lie (data)" },
        { "question", OPT_INT, &o->question, &o->given_question, "ID", "the prompt of this question" },
        { "turn", OPT_INT, &o->turn, NULL, "N", "its turn (1)" },
        { "answer", OPT_LIST, &o->answer, NULL, "TEXT ...", "the answers to the turns before --turn" },
        { "answer-file", OPT_STRING, &o->answer_file, NULL, "FILE", "an answer file that holds them" },
        { "messages", OPT_STRING, &o->messages, NULL, "FILE", "each line a JSON list of {role, content}" },
        { "text", OPT_STRING, &o->text, NULL, "FILE", "each line a JSON string, tokenised as it is, without a template" },
        { "top-logits", OPT_INT, &o->top_logits, NULL, "N", "the N best next tokens of each prompt" },
        { "threads", OPT_INT, &o->threads, NULL, "N", "threads (all cores)" },
        { "quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors" },
        { "verbose", OPT_FLAG, &o->verbose, NULL, NULL, "memory, sizes" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("prompt", "Print rendered prompts, token ids, stop ids, and the best next tokens, one JSON object a line.", table, n);
    return rc ? rc : check_opts(o, err);
}

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

static void put_top(struct buf *b, const struct tokenizer *t, const float *logits, int n_vocab, int n)
{
    int32_t *best = xcalloc((size_t)n, sizeof *best);
    struct buf text = {0};
    int kept = top_ids(logits, n_vocab, n, best);
    buf_str(b, ", \"top\": [");
    for (int i = 0; i < kept; i++) {
        buf_printf(b, "%s[%d, ", i ? ", " : "", best[i]);
        json_put_double(b, (double)logits[best[i]]);
        buf_char(b, ']');
    }
    buf_str(b, "], \"top_texts\": [");
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

static int print_prompt(const struct rig *r, const struct prompt_opts *o, const struct prompt *p, bool rendered, struct err *err)
{
    struct buf b = {0};
    const struct model_config *c = &r->model->config;
    buf_char(&b, '{');
    if (rendered) {
        buf_str(&b, "\"prompt\": ");
        json_put_string(&b, p->text.data, p->text.len);
        buf_str(&b, ", ");
    }
    put_ids(&b, "ids", p->ids.id, p->ids.n);
    if (rendered) {
        buf_str(&b, ", ");
        put_ids(&b, "stop_ids", r->stops.id, r->stops.n);
    }
    int rc = 0;
    if (o->top_logits) {
        float *logits = xcalloc((size_t)c->n_vocab, sizeof *logits);
        rc = engine_logits(r->engine, p->ids.id, (int)p->ids.n, logits, err);
        if (rc == 0)
            put_top(&b, r->tokenizer, logits, c->n_vocab, (int)o->top_logits);
        free(logits);
    }
    if (rc == 0)
        printf("%s}\n", b.data);
    buf_free(&b);
    return rc;
}

/* ---- inputs ---- */

static int print_messages(const struct rig *r, const struct prompt_opts *o, const struct chat_message *m, int n, struct err *err)
{
    struct prompt p = {0};
    int rc = prompt_build(&p, r->tokenizer, r->chat, m, n, err);
    if (rc == 0)
        rc = print_prompt(r, o, &p, true, err);
    prompt_free(&p);
    return rc;
}

/* The answers to the turns before --turn: words of the command line, or choice 0 of an answer file. */
static int print_turn(const struct rig *r, const struct prompt_opts *o, const struct question *q, struct err *err)
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
    rc = rc < 0 ? rc : print_messages(r, o, m, 2 * n + 1, err);
    free(m);
    model_answers_free(&file);
    return rc;
}

static int print_question(const struct rig *r, const struct prompt_opts *o, struct err *err)
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
        rc = print_turn(r, o, q, err);
    questions_free(&qs);
    buf_free(&b);
    free(path);
    return rc;
}

static int print_message_line(const struct rig *r, const struct prompt_opts *o, const cJSON *j, struct err *err)
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
        rc = print_messages(r, o, m, n, err);
    free(m);
    return rc;
}

static int print_text_line(const struct rig *r, const struct prompt_opts *o, const cJSON *j, struct err *err)
{
    struct prompt p = {0};
    if (!cJSON_IsString(j))
        return err_set(err, ERR_FORMAT, "no JSON string");
    int rc = tokenizer_encode(r->tokenizer, j->valuestring, strlen(j->valuestring), ENC_PARSE_SPECIAL, &p.ids, err);
    if (rc == 0)
        rc = print_prompt(r, o, &p, false, err);
    prompt_free(&p);
    return rc;
}

static int print_lines(const struct rig *r, const struct prompt_opts *o, struct err *err)
{
    const char *path = o->messages ? o->messages : o->text;
    struct lines_file *f = lines_open(path, err);
    struct slice line;
    int rc = f ? 1 : -1;
    while (rc == 1 && (rc = lines_read(f, &line, err)) == 1) {
        cJSON *j = json_parse(line.ptr, line.len, err);
        if (!j || (o->messages ? print_message_line(r, o, j, err) : print_text_line(r, o, j, err)) < 0)
            rc = err_wrap(err, "%s:%ld", path, lines_number(f));
        cJSON_Delete(j);
    }
    lines_close(f);
    return rc;
}

int cmd_prompt(struct job *job, int argc, char **argv)
{
    struct prompt_opts o;
    struct rig r = {0};
    struct err err = {0};
    (void)job;
    int rc = parse_opts(&o, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0)
        log_init(o.quiet ? LOG_QUIET : o.verbose ? LOG_VERBOSE : LOG_NORMAL, 1, NULL);
    const struct rig_opts ro = {
        .model_path = o.model_path, .revision = o.revision, .model_id = o.model_id, .chat_template = o.chat_template, .threads = o.threads,
        .max_batch = 1,
    };
    if (rc == 0)
        rc = rig_open(&r, NULL, &ro, &err);
    if (rc == 0 && o.top_logits)
        rc = rig_start(&r, &ro, &err);
    if (rc == 0)
        rc = o.given_question ? print_question(&r, &o, &err) : print_lines(&r, &o, &err);
    rig_close(&r);
    if (rc < 0)
        log_error("%s", err.text);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
