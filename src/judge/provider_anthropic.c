/* provider_anthropic.c - Anthropic's messages: the system text stands outside, the limit is required, the text comes in blocks. */
#include "provider_priv.h"

#include "classify.h"
#include "dialect.h"
#include "header.h"
#include "reply_body.h"

#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int resolve(struct endpoint *e, const char *base_url, struct err *err)
{
    return url_join(&e->url, base_url, "messages", err);
}

static cJSON *body_of(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens)
{
    cJSON *body = cJSON_CreateObject();
    struct buf system = {0};
    cJSON_AddStringToObject(body, "model", e->model);
    cJSON_AddNumberToObject(body, "max_tokens", max_tokens);
    struct call_message *m = xcalloc((size_t)c->n_messages, sizeof *m);
    int n = 0;
    for (int i = 0; i < c->n_messages; i++) {
        if (strcmp(c->message[i].role, "system")) /* the API refuses the role inside "messages" */
            m[n++] = c->message[i];
        else
            buf_printf(&system, "%s%s", system.len ? "\n\n" : "", c->message[i].content);
    }
    cJSON_AddItemToObject(body, "messages", request_messages(m, n));
    free(m);
    if (system.len)
        cJSON_AddStringToObject(body, "system", system.data);
    if (!d->no_temperature)
        cJSON_AddNumberToObject(body, "temperature", c->temperature);
    if (d->no_stream)
        cJSON_AddFalseToObject(body, "stream");
    buf_free(&system);
    return body;
}

static void build(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens, struct http_request *out)
{
    *out = (struct http_request){ .url = xstrdup(e->url) };
    request_header(out, "Content-Type", "application/json");
    request_header(out, "anthropic-version", "2023-06-01"); /* required; of the API's format, not of a model */
    if (e->key)
        request_header(out, "x-api-key", e->key);
    request_body(out, body_of(e, d, c, max_tokens), d, c);
}

/* ---- replies ---- */

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

/* The texts of all blocks of a type, without blanks around them (FastChat strips these replies). Caller frees. */
static char *blocks(const cJSON *content, const char *type, const char *field)
{
    static const char blanks[] = " \t\r\n";
    struct buf b = {0};
    const cJSON *block;
    cJSON_ArrayForEach(block, content) {
        const char *t = text_of(block, "type"), *text = text_of(block, field);
        if (t && text && !strcmp(t, type)) /* blocks of other types (tools, redacted thoughts) have no text for us */
            buf_str(&b, text);
    }
    char *all = buf_steal(&b), *start = all + strspn(all, blanks);
    size_t n = strlen(start);
    while (n && strchr(blanks, start[n - 1]))
        n--;
    char *trimmed = xstrndup(start, n);
    free(all);
    return trimmed;
}

/* What is read anew counts, and what came from or went into a cache. */
static int64_t tokens_in(const cJSON *usage)
{
    int64_t n = usage_count(usage, "input_tokens"), made = usage_count(usage, "cache_creation_input_tokens"),
            read = usage_count(usage, "cache_read_input_tokens");
    /* "input_tokens" leaves the cached ones out, the bill does not. */
    return n < 0 ? -1 : n + (made > 0 ? made : 0) + (read > 0 ? read : 0);
}

static void read_message(const cJSON *body, const struct asked *a, struct reply *out)
{
    const cJSON *content = json_get(body, "content"), *usage = json_get(body, "usage");
    const char *model = text_of(body, "model");
    out->model = model ? xstrdup(model) : NULL;
    out->tokens_in = tokens_in(usage);
    out->tokens_out = usage_count(usage, "output_tokens");
    if (!cJSON_IsArray(content)) {
        classify_garbage(out, "the reply has no content");
        return;
    }
    char *text = blocks(content, "text", "text"), *thoughts = blocks(content, "thinking", "thinking");
    /* A list without texts is an empty text. */
    const struct said s = { .content = text, .reasoning = thoughts, .finish = text_of(body, "stop_reason"), .is_text = true };
    classify_text(&s, a, out);
    free(text);
    free(thoughts);
}

/* Of each of its limits the server tells what is left and when it will be full again (RFC 3339): only one with nothing left can have
 * refused the call. */
static double limits_wait(const char *lines, double now)
{
    static const char *const limit[] = { "requests", "tokens", "input-tokens", "output-tokens" };
    char name[64], v[128];
    double wait = header_wait(lines, now), x;
    if (wait >= 0)
        return wait;
    now = header_clock(lines, now);
    for (size_t i = 0; i < sizeof limit / sizeof *limit; i++) {
        snprintf(name, sizeof name, "anthropic-ratelimit-%s-remaining", limit[i]);
        if (!header_find(lines, name, v, sizeof v) || strcmp(v, "0"))
            continue;
        snprintf(name, sizeof name, "anthropic-ratelimit-%s-reset", limit[i]);
        if (header_find(lines, name, v, sizeof v) && (x = date_wait(v, now)) > wait)
            wait = x;
    }
    return wait;
}

static void read_error(long code, const char *header, double now, const struct api_error *e, const struct asked *a, struct dialect *learnt,
                       struct reply *out)
{
    /* Its limit has one name, its system text stands outside the messages: the rest cannot be refused. */
    static const struct dialect may = { .no_temperature = true };
    classify_error(code, header, limits_wait(header, now), e, out);
    if (dialect_learn(learnt, a, &may, e, code))
        out->action = REPLY_ADAPT;
}

/* An error inside a 200 has its status in its type. */
static long code_of(const struct api_error *e)
{
    static const struct { const char *type; long code;
    } known[] = {
        {"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402},    {"permission_error", 403},
        {"not_found_error", 404},       {"request_too_large", 413},    {"rate_limit_error", 429}, {"overloaded_error", 529},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(e->type, known[i].type))
            return known[i].code;
    return e->number ? e->number : 500;  /* an unknown error may pass */
}

/* A stream's first event has the message, without its text; the text comes in pieces, and at last why it ended. */
static void join(cJSON *whole, const cJSON *event)
{
    const cJSON *message = json_get(event, "message"), *delta = json_get(event, "delta"), *usage = json_get(event, "usage");
    const char *const names[] = { "model", "usage", "stop_reason", "type" };
    cJSON *content = cJSON_GetObjectItemCaseSensitive(whole, "content");
    if (!content && cJSON_IsObject(message)) /* "message_start": from here on a text can come, even an empty one */
        content = cJSON_AddArrayToObject(whole, "content");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        reply_copy(whole, message, names[i]);
    reply_copy(whole, event, "error");   /* "error" events come in the middle of a stream */
    reply_copy(whole, delta, "stop_reason"); /* "message_delta"; never there if the stream broke off */
    if (cJSON_IsObject(usage)) {         /* of the output so far; the input stands in the first event */
        cJSON *sum = cJSON_GetObjectItemCaseSensitive(whole, "usage"), *count;
        cJSON_ArrayForEach(count, usage)
            reply_copy(sum ? sum : (sum = cJSON_AddObjectToObject(whole, "usage")), usage, count->string);
    }
    /* A block's first piece stands in its "content_block_start", the others in deltas; each becomes a block, and
     * blocks() joins them. */
    const cJSON *piece = cJSON_IsObject(json_get(event, "content_block")) ? json_get(event, "content_block") : delta;
    const char *kind = text_of(piece, "thinking") ? "thinking" : text_of(piece, "text") ? "text" : NULL;
    if (content && kind) {
        cJSON *block = cJSON_CreateObject();
        cJSON_AddStringToObject(block, "type", kind);
        cJSON_AddStringToObject(block, kind, text_of(piece, kind));
        cJSON_AddItemToArray(content, block);
    }
}

static void read_whole(const struct http_response *r, const cJSON *body, const struct asked *a, struct dialect *learnt, struct reply *out)
{
    struct api_error e;
    char id[200];
    bool good = r->code >= 200 && r->code < 300;
    /* Beside a content only "error" is an error; without one anything that looks like an error is. */
    bool failed = cJSON_IsArray(json_get(body, "content")) ? api_error_beside(body, &e) : api_error_read(body, &e);
    if (!body)
        api_error_plain(r->body, r->n_body, &e);
    if (!good || (body && failed)) {
        read_error(good ? code_of(&e) : r->code, r->header, r->now, &e, a, learnt, out);
        out->maybe_billed |= good;       /* a 200: it had begun to work */
        return;
    }
    if (header_request_id(r->header, id, sizeof id))
        out->request_id = xstrdup(id);
    if (body)
        read_message(body, a, out);
    else
        classify_garbage(out, "the reply is no JSON");
}

static void read(const struct http_response *r, const struct asked *a, struct dialect *learnt, struct reply *out)
{
    bool streamed;
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    if (r->trouble != HTTP_CAME) {
        classify_transport(r, out);
        return;
    }
    cJSON *body = reply_body(r->body, r->n_body, join, &streamed);
    learnt->no_stream |= streamed;       /* unasked: later calls ask for one piece */
    read_whole(r, body, a, learnt, out);
    cJSON_Delete(body);
}

/* ---- message batches ---- */

/* One request; the API wants them as the list "requests". */
static void batch_put(const struct endpoint *e, const struct dialect *d, const struct call *c, const char *id, struct buf *out)
{
    cJSON *line = cJSON_CreateObject();
    cJSON_AddStringToObject(line, "custom_id", id);
    cJSON_AddItemToObject(line, "params", body_of(e, d, c, c->max_tokens));
    char *text = cJSON_PrintUnformatted(line);
    buf_str(out, text);
    cJSON_free(text);
    cJSON_Delete(line);
}

/* {"custom_id", "result": {"type": "succeeded", "message"} or {"type": "errored", "error": {"type": "error", "error": {...}}} or canceled,
 * expired} */
static void read_result(const cJSON *result, const struct asked *a, struct reply *out)
{
    const char *type = text_of(result, "type");
    if (type && !strcmp(type, "succeeded")) {
        read_message(json_get(result, "message"), a, out);
        return;
    }
    struct api_error e;
    struct dialect learnt = a->dialect;  /* of a batch nothing can be learnt: a copy to be thrown away */
    const cJSON *error = json_get(result, "error");
    bool told = api_error_read(cJSON_IsObject(json_get(error, "error")) ? error : result, &e);
    if (told && type && !strcmp(type, "errored")) {
        read_error(code_of(&e), "", 0, &e, a, &learnt, out);
        return;
    }
    out->status = CALL_FAILED;
    out->reason = xasprintf("batch: %s", type ? type : "no result"); /* canceled, expired: not billed, and free to be asked again */
}

static int batch_read(const char *line, size_t n, char id[65], const struct asked *a, struct reply *out, struct err *err)
{
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    cJSON *j = reply_parse(line, n, err);
    const char *custom = text_of(j, "custom_id");
    int rc = -1;
    if (j && (!custom || strlen(custom) > 64 || !cJSON_IsObject(json_get(j, "result")))) {
        err_set(err, ERR_FORMAT, "no line of a message batch's results: custom_id or result is missing");
    } else if (j) {
        snprintf(id, 65, "%s", custom);
        read_result(json_get(j, "result"), a, out);
        rc = 0;
    }
    cJSON_Delete(j);
    return rc;
}

const struct provider provider_anthropic = {
    .name = "anthropic",
    .model_prefix = "claude-",
    .key_env = "ANTHROPIC_API_KEY",
    .base_env = "ANTHROPIC_BASE_URL",
    .base_url = "https://api.anthropic.com",
    .needs_key = true,
    .resolve = resolve,
    .build = build,
    .read = read,
    .batch_put = batch_put,
    .batch_read = batch_read,
    .batch_lines = 100000,
    .batch_bytes = 256000000,            /* the API's 100,000 requests or 256 MB */
};
