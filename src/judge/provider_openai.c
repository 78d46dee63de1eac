/* provider_openai.c - OpenAI's chat completions, and servers that speak the same: vLLM, llama-server, gateways. */
#include "provider_priv.h"

#include "classify.h"
#include "header.h"

#include "mtbench/mem.h"

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
    cJSON *list = cJSON_AddArrayToObject(body, "messages");
    for (int i = 0; i < c->n_messages; i++) {
        cJSON *m = cJSON_CreateObject();
        cJSON_AddStringToObject(m, "role", c->message[i].role);
        cJSON_AddStringToObject(m, "content", c->message[i].content);
        cJSON_AddItemToArray(list, m);
    }
    cJSON_AddNumberToObject(body, "n", 1);
    if (!d->no_temperature)
        cJSON_AddNumberToObject(body, "temperature", c->temperature);
    cJSON_AddNumberToObject(body, d->max_completion_tokens ? "max_completion_tokens" : "max_tokens", max_tokens);
    return body;
}

static void build(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens, struct http_request *out)
{
    *out = (struct http_request){ .url = xstrdup(e->url) };
    request_header(out, "Content-Type", "application/json");
    if (e->key) {
        char *bearer = xasprintf("Bearer %s", e->key);
        request_header(out, "Authorization", bearer);
        explicit_bzero(bearer, strlen(bearer));
        free(bearer);
    }
    request_body(out, openai_body(e, d, c, max_tokens));
}

/* ---- replies ---- */

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

/* Content is a string, or a list of parts; texts of 'kind' only. Caller frees. */
static char *content_of(const cJSON *content, const char *kind)
{
    struct buf b = {0};
    const cJSON *part;
    if (cJSON_IsString(content) && !strcmp(kind, "text"))
        buf_str(&b, content->valuestring);
    if (cJSON_IsArray(content)) {
        cJSON_ArrayForEach(part, content) {
            const char *type = text_of(part, "type"), *text = text_of(part, kind);
            if (type && text && !strcmp(type, kind))
                buf_str(&b, text);
        }
    }
    return buf_steal(&b);
}

static enum reply_end end_of(const char *finish, const char *refusal)
{
    if (refusal && *refusal)
        return END_REFUSAL;
    if (!finish)
        return END_STOP;
    return !strcmp(finish, "length") ? END_LENGTH : !strcmp(finish, "content_filter") ? END_FILTER : END_STOP;
}

static void read_choice(const cJSON *choice, const struct asked *a, struct reply *out)
{
    const cJSON *message = json_get(choice, "message"), *content = json_get(message, "content");
    const char *finish = text_of(choice, "finish_reason"), *refusal = text_of(message, "refusal");
    const char *reasoning = text_of(message, "reasoning_content");
    if (!cJSON_IsObject(message)) {
        classify_garbage(out, "the reply's choice has no message");
        return;
    }
    if (finish && (!strcmp(finish, "abort") || !strcmp(finish, "error"))) {
        classify_garbage(out, "the server broke the reply off");
        return;
    }
    if (!reasoning)
        reasoning = text_of(message, "reasoning");
    char *text = content_of(content, "text"), *thoughts = content_of(content, "thinking");
    out->finish = finish ? xstrdup(finish) : NULL;
    classify_text(*text || !refusal ? text : refusal, reasoning ? reasoning : thoughts, end_of(finish, refusal), a, out);
    free(text);
    free(thoughts);
}

static void read_body(const cJSON *body, const struct asked *a, struct reply *out)
{
    const cJSON *choices = json_get(body, "choices"), *usage = json_get(body, "usage");
    const char *model = text_of(body, "model");
    out->model = model ? xstrdup(model) : NULL;
    out->tokens_in = usage_count(usage, "prompt_tokens");
    out->tokens_out = usage_count(usage, "completion_tokens");
    if (!cJSON_IsArray(choices) || !cJSON_GetArraySize(choices))
        classify_garbage(out, "the reply has no choices");
    else
        read_choice(cJSON_GetArrayItem(choices, 0), a, out);
}

/* Does the refusal name a parameter that this model knows otherwise, or not at all? */
static bool adapt(const struct api_error *e, long code, const struct asked *a, struct dialect *learnt)
{
    if (!a->dialect.max_completion_tokens && api_error_refuses(e, code, "max_tokens"))
        return learnt->max_completion_tokens = true;
    if (!a->dialect.no_temperature && api_error_refuses(e, code, "temperature"))
        return learnt->no_temperature = true;
    return false;
}

static void read_json(long code, const char *header, double now, const cJSON *body, const char *plain, const struct asked *a, struct dialect *learnt,
                      struct reply *out)
{
    struct api_error e;
    char id[200];
    bool failed = api_error_read(body, &e);
    if (code >= 200 && code < 300 && !cJSON_IsArray(json_get(body, "choices")) && failed)
        code = e.number ? e.number : 500;
    if (code < 200 || code >= 300) {
        classify_error(code, header, now, &e, plain, out);
        if (adapt(&e, code, a, learnt))
            out->action = REPLY_ADAPT;
        return;
    }
    if (header_request_id(header, id, sizeof id))
        out->request_id = xstrdup(id);
    if (!body)
        classify_garbage(out, "the reply is no JSON");
    else
        read_body(body, a, out);
}

void openai_read(const struct http_response *r, const struct asked *a, struct dialect *learnt, struct reply *out)
{
    *out = (struct reply){ .after = -1, .tokens_in = -1, .tokens_out = -1 };
    if (r->trouble != HTTP_CAME) {
        classify_transport(r, out);
        return;
    }
    cJSON *body = reply_parse(r->body, r->n_body, NULL);
    char *plain = body ? NULL : xstrndup(r->n_body ? r->body : "", r->n_body < 200 ? r->n_body : 200);
    read_json(r->code, r->header, r->now, body, plain, a, learnt, out);
    free(plain);
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
        read_json((long)status, "", 0, json_get(response, "body"), NULL, a, &learnt, out);
        const char *id = text_of(response, "request_id");
        if (id && !out->request_id)
            out->request_id = xstrdup(id);
    } else {
        struct api_error e;
        api_error_read(line, &e);
        out->status = CALL_FAILED;
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

const struct provider provider_openai = {
    .name = "openai", .key_env = "OPENAI_API_KEY", .base_env = "OPENAI_BASE_URL OPENAI_API_BASE", .base_url = "https://api.openai.com/v1", .needs_key = true,
    .resolve = resolve, .build = build, .read = openai_read, .batch_put = batch_put, .batch_read = openai_batch_read,
    .batch_lines = 50000, .batch_bytes = 200000000,
};

const struct provider provider_compatible = {
    .name = "compatible", .key_env = "OPENAI_API_KEY", .base_env = "OPENAI_BASE_URL OPENAI_API_BASE",
    .resolve = resolve, .build = build, .read = openai_read, .batch_put = batch_put, .batch_read = openai_batch_read,
    .batch_lines = 50000, .batch_bytes = 200000000,
};
