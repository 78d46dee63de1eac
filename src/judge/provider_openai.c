/* provider_openai.c - OpenAI's chat completions, and servers that speak the same: vLLM, llama-server, gateways. */
#include "provider_priv.h"

#include "classify.h"
#include "dialect.h"
#include "header.h"
#include "reply_body.h"

#include "mtbench/finish.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char path[] = "chat/completions";

static int resolve(struct endpoint *e, const char *base_url, struct err *err)
{
    return url_join(&e->url, base_url, path, err);
}

cJSON *openai_body(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "model", e->model);
    struct call_message *m = xcalloc((size_t)c->n_messages, sizeof *m);
    struct buf made = {0};
    int n = dialect_messages(d, c->message, c->n_messages, m, &made); /* the merged text lives in 'made' */
    cJSON_AddItemToObject(body, "messages", request_messages(m, n));
    free(m);
    buf_free(&made);
    if (!d->no_n)
        cJSON_AddNumberToObject(body, "n", 1); /* as FastChat sends it */
    if (!d->no_temperature)
        cJSON_AddNumberToObject(body, "temperature", c->temperature);
    cJSON_AddNumberToObject(body, d->max_completion_tokens ? "max_completion_tokens" : "max_tokens", max_tokens);
    if (d->no_stream)
        cJSON_AddFalseToObject(body, "stream");
    return body;
}

static void build(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens, struct http_request *out)
{
    *out = (struct http_request){ .url = xstrdup(e->url) };
    request_header(out, "Content-Type", "application/json");
    if (e->key) {
        char *bearer = xasprintf("Bearer %s", e->key);
        request_header(out, "Authorization", bearer);
        explicit_bzero(bearer, strlen(bearer)); /* the key stays in as few places as possible */
        free(bearer);
    }
    request_body(out, openai_body(e, d, c, max_tokens), d, c);
}

/* ---- replies ---- */

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

/* Content is a string, a part, or a list of both; texts of one kind only. A part's thoughts may be a list of parts again. */
static void add_content(struct buf *b, const cJSON *content, bool thoughts)
{
    const cJSON *part;
    const char *type = text_of(content, "type"), *text = text_of(content, "text");
    if (cJSON_IsString(content) && !thoughts) {
        buf_str(b, content->valuestring);
    } else if (cJSON_IsArray(content)) {
        cJSON_ArrayForEach(part, content)
            add_content(b, part, thoughts);
    } else if (thoughts && type && !strcmp(type, "thinking")) {
        add_content(b, json_get(content, "thinking"), false);
    } else if (!thoughts && text && (!type || !strcmp(type, "text") || !strcmp(type, "output_text"))) {
        buf_str(b, text);
    }
}

/* Caller frees. */
static char *content_of(const cJSON *content, bool thoughts)
{
    struct buf b = {0};
    add_content(&b, content, thoughts);
    return buf_steal(&b);
}

/* Was every token spent on thinking? Some servers drop the marks of thoughts, and a reply that was cut before their end looks like an
 * answer then; their count of tokens tells, where it counts thoughts among the tokens of the reply. Servers that count them apart give
 * other numbers. */
static bool only_thought(const cJSON *usage, const char *finish)
{
    const int64_t thought = usage_count(json_get(usage, "completion_tokens_details"), "reasoning_tokens");
    return finish_means(finish) == END_LENGTH && thought > 0 && thought == usage_count(usage, "completion_tokens");
}

static void read_message(const cJSON *message, const char *finish, bool only_thoughts, const struct asked *a, struct reply *out)
{
    /* Thoughts stand in "reasoning_content" (DeepSeek, vLLM), in "reasoning" (OpenRouter), or as parts of the content
     * (Mistral). */
    const cJSON *content = json_get(message, "content"), *reasoning = json_get(message, "reasoning_content");
    char *text = content_of(content, false), *refusal = content_of(json_get(message, "refusal"), false);
    char *thoughts = content_of(reasoning && !cJSON_IsNull(reasoning) ? reasoning : json_get(message, "reasoning"), false);
    if (!*thoughts) {                    /* servers that split them off do not leave them in the content as well */
        free(thoughts);
        thoughts = content_of(content, true);
    }
    if (only_thoughts && !*thoughts) {
        free(thoughts);
        thoughts = text;
        text = xstrdup("");
    }
    bool refused = *refusal != '\0', calls_tool = !*text && cJSON_GetArraySize(json_get(message, "tool_calls")) > 0;
    const struct said s = {
        /* The words of a refusal are the reply's text. */
        .content = *text || !refused ? text : refusal, .reasoning = thoughts, .finish = calls_tool && finish ? "tool_calls" : finish,
        .is_text = content && !cJSON_IsNull(content), .refusal = refused, /* null is no answer, "" is an empty one */
    };
    classify_text(&s, a, out);
    free(text);
    free(refusal);
    free(thoughts);
}

/* An empty word is none, and some streams say "null". */
static const char *finish_of(const cJSON *choice)
{
    const char *finish = text_of(choice, "finish_reason");
    return finish && *finish && strcmp(finish, "null") ? finish : NULL;
}

static void read_body(const cJSON *body, const struct asked *a, struct reply *out)
{
    const cJSON *choice = cJSON_GetArrayItem(json_get(body, "choices"), 0), *usage = json_get(body, "usage");
    const char *model = text_of(body, "model");
    out->model = model ? xstrdup(model) : NULL;
    out->tokens_in = usage_count(usage, "prompt_tokens");
    out->tokens_out = usage_count(usage, "completion_tokens");
    if (!choice)                         /* null, or an empty list: a server error in the clothes of a reply */
        classify_garbage(out, "the reply has no choices");
    else if (!cJSON_IsObject(json_get(choice, "message")))
        classify_garbage(out, "the reply's choice has no message");
    else
        read_message(json_get(choice, "message"), finish_of(choice), only_thought(usage, finish_of(choice)), a, out);
}

static void read_error(long code, const char *header, double now, const struct api_error *e, const struct asked *a, struct dialect *learnt,
                       struct reply *out)
{
    static const struct dialect may = { .max_completion_tokens = true, .no_temperature = true, .no_system = true, .no_n = true };
    classify_error(code, header, header_wait(header, now), e, out);
    if (dialect_learn(learnt, a, &may, e, code)) /* changes the action only: status and reason stay, for the log */
        out->action = REPLY_ADAPT;
}

/* Is it an error in the clothes of an answer? It may stand in the answer's place, beside a part of one, or in the choice. */
static bool is_error(const cJSON *body, struct api_error *e)
{
    const cJSON *choices = json_get(body, "choices");
    if (!cJSON_IsArray(choices))
        return api_error_read(body, e);
    return api_error_beside(body, e) || api_error_beside(cJSON_GetArrayItem(choices, 0), e);
}

static void read_json(long code, const char *header, double now, const cJSON *body, const struct asked *a, struct dialect *learnt,
                      struct reply *out)
{
    struct api_error e;
    char id[200];
    bool good = code >= 200 && code < 300, failed = is_error(body, &e);
    /* A 200 with an error: gateways send the status first, and the provider's failure when it comes. What it had made
     * by then may be billed. */
    if (good && failed) {
        const cJSON *usage = json_get(body, "usage");
        read_error(e.number ? e.number : 500, header, now, &e, a, learnt, out);
        out->tokens_in = usage_count(usage, "prompt_tokens");
        out->tokens_out = usage_count(usage, "completion_tokens");
        out->maybe_billed = cJSON_GetArraySize(json_get(body, "choices")) > 0;
    } else if (good) {
        if (header_request_id(header, id, sizeof id))
            out->request_id = xstrdup(id);
        read_body(body, a, out);
    } else {
        api_error_read(body, &e);
        read_error(code, header, now, &e, a, learnt, out);
    }
}

/* A stream's events have the pieces of a message, which become the parts of one. */
static void add_delta(cJSON *message, const cJSON *delta)
{
    static const char *const text[] = { "content", "reasoning_content", "reasoning", "refusal" };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        const cJSON *piece = json_get(delta, text[i]);
        cJSON *list = cJSON_GetObjectItemCaseSensitive(message, text[i]);
        if (!piece || cJSON_IsNull(piece))
            continue;
        if (!list)                       /* pieces of one kind, joined by content_of() */
            list = cJSON_AddArrayToObject(message, text[i]);
        cJSON_AddItemToArray(list, cJSON_Duplicate(piece, true));
    }
    if (cJSON_GetArraySize(json_get(delta, "tool_calls")) > 0)
        reply_copy(message, delta, "tool_calls");
}

static const cJSON *first_choice(const cJSON *event)
{
    const cJSON *choice;
    cJSON_ArrayForEach(choice, json_get(event, "choices")) {
        const cJSON *index = json_get(choice, "index"); /* other choices are nobody's: n is 1 */
        if (!cJSON_IsNumber(index) || index->valuedouble == 0)
            return choice;
    }
    return NULL;
}

static void join(cJSON *whole, const cJSON *event)
{
    static const char *const names[] = { "model", "usage", "error", "detail", "message" };
    const cJSON *from = first_choice(event), *delta = json_get(from, "delta");
    cJSON *to = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(whole, "choices"), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        reply_copy(whole, event, names[i]);
    if (!from)                           /* the last event has the usage and no choice */
        return;
    if (!to) {
        to = cJSON_CreateObject();
        cJSON_AddItemToArray(cJSON_AddArrayToObject(whole, "choices"), to);
        cJSON_AddObjectToObject(to, "message");
    }
    if (cJSON_IsObject(delta))
        add_delta(cJSON_GetObjectItemCaseSensitive(to, "message"), delta);
    else if (cJSON_IsObject(json_get(from, "message")))
        reply_copy(to, from, "message");  /* the whole reply as one event */
    if (finish_of(from))
        reply_copy(to, from, "finish_reason");
    reply_copy(to, from, "error");
}

void openai_read(const struct http_response *r, const struct asked *a, struct dialect *learnt, struct reply *out)
{
    bool streamed;
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    if (r->trouble != HTTP_CAME) {
        classify_transport(r, out);
        return;
    }
    cJSON *body = reply_body(r->body, r->n_body, join, &streamed);
    learnt->no_stream |= streamed;       /* unasked: later calls ask for one piece */
    struct api_error e;
    if (body) {
        read_json(r->code, r->header, r->now, body, a, learnt, out);
    } else if (r->code >= 200 && r->code < 300) {
        classify_garbage(out, "the reply is no JSON");
    } else {
        api_error_plain(r->body, r->n_body, &e);
        read_error(r->code, r->header, r->now, &e, a, learnt, out);
    }
    cJSON_Delete(body);
}

/* ---- batch files ---- */

void openai_batch_line(const char *id, const char *url, cJSON *body, struct buf *out)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "custom_id", id);
    cJSON_AddStringToObject(line, "method", "POST");
    cJSON_AddStringToObject(line, "url", url);
    cJSON_AddItemToObject(line, "body", body);
    char *text = cJSON_PrintUnformatted(line);
    buf_str(out, text);
    cJSON_free(text);
    cJSON_Delete(line);
}

static void batch_put(const struct endpoint *e, const struct dialect *d, const struct call *c, const char *id, struct buf *out)
{
    openai_batch_line(id, "/v1/chat/completions", openai_body(e, d, c, c->max_tokens), out);
}

/* {"custom_id", "response": {"status_code", "request_id", "body"} or null, "error": {"code", "message"} or null} */
static void read_result(const cJSON *line, const struct asked *a, struct reply *out)
{
    const cJSON *response = json_get(line, "response"), *code = json_get(response, "status_code");
    struct dialect learnt = a->dialect;
    if (cJSON_IsObject(response)) {
        double status = cJSON_IsNumber(code) && code->valuedouble >= 100 && code->valuedouble < 600 ? code->valuedouble : 200;
        read_json((long)status, "", 0, json_get(response, "body"), a, &learnt, out); /* no header lines in a file: no waits, no clock */
        const char *id = text_of(response, "request_id");
        if (id && !out->request_id)
            out->request_id = xstrdup(id);
    } else {
        struct api_error e;
        api_error_read(line, &e);
        out->status = CALL_FAILED;
        /* Expired and cancelled lines have an error and no response. */
        out->reason = xasprintf("batch: %s%s%s", *e.code ? e.code : "no response", *e.message ? ": " : "", e.message);
    }
}

int openai_batch_read(const char *line, size_t n, char id[65], const struct asked *a, struct reply *out, struct err *err)
{
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    cJSON *j = reply_parse(line, n, err);
    const char *custom = text_of(j, "custom_id");
    int rc = -1;
    if (j && (!custom || strlen(custom) > 64 || (!json_get(j, "response") && !json_get(j, "error")))) {
        err_set(err, ERR_FORMAT, "no line of a batch's result: custom_id, or both response and error are missing");
    } else if (j) {
        snprintf(id, 65, "%s", custom);
        read_result(j, a, out);
        rc = 0;
    }
    cJSON_Delete(j);
    return rc;
}

/* Reasoning models. */
struct dialect openai_guess(const char *model)
{
    static const char *const reasoning[] = { "o1", "o3", "o4", "gpt-5" };
    for (size_t i = 0; i < sizeof reasoning / sizeof *reasoning; i++) {
        size_t n = strlen(reasoning[i]);
        if (!strncmp(model, reasoning[i], n) && !isalnum((unsigned char)model[n])) /* "o1", "o1-mini"; not "o10" */
            return (struct dialect){ .max_completion_tokens = true, .no_temperature = true };
    }
    return (struct dialect){0};
}

const struct provider provider_openai = {
    .name = "openai",
    .key_env = "OPENAI_API_KEY",
    .base_env = "OPENAI_BASE_URL OPENAI_API_BASE",
    .base_url = "https://api.openai.com/v1",
    .needs_key = true,
    .resolve = resolve,
    .build = build,
    .read = openai_read,
    .batch_put = batch_put,
    .batch_read = openai_batch_read,
    .batch_lines = 50000,
    .batch_bytes = 200000000,
    .guess = openai_guess,
};

const struct provider provider_compatible = {
    .name = "compatible", .key_env = "OPENAI_API_KEY", .base_env = "OPENAI_BASE_URL OPENAI_API_BASE",
    .resolve = resolve, .build = build, .read = openai_read, .batch_put = batch_put, .batch_read = openai_batch_read,
    .batch_lines = 50000, .batch_bytes = 200000000, .guess = openai_guess,
};
