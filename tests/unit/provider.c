/* provider.c - dialects: addresses, keys, request bodies, and what each kind of reply means (the table of API faults, row by row). */
#include "folder.h"
#include "tap.h"

#include "mtbench/mem.h"
#include "mtbench/provider.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const *vars;          /* name, value, name, value, NULL */

static const char *env(const char *name)
{
    for (const char *const *v = vars; v && *v; v += 2)
        if (!strcmp(*v, name))
            return v[1];
    return NULL;
}

/* ---- endpoints ---- */

static void url_is(const char *provider, const char *base, const char *model, const char *const *variables, const char *want)
{
    struct endpoint e;
    struct err err = {0};
    vars = variables;
    int rc = endpoint_resolve(&e, &(struct endpoint_opts){ .provider = provider, .base_url = base, .model = model, .env = env }, &err);
    if (want)
        ok(rc == 0 && !strcmp(e.url, want), "%s %s %s -> %s", provider ? provider : "(any)", base ? base : "(none)", model,
           rc == 0 ? e.url : err.text);
    else
        ok(rc < 0 && *err.text, "%s %s: %s", provider ? provider : "(any)", base ? base : "(none)", err.text);
    if (rc == 0)
        endpoint_free(&e);
}

static void test_urls(void)
{
    static const char *const none[] = { NULL };
    static const char *const keys[] = { "OPENAI_API_KEY", "sk-1", "ANTHROPIC_API_KEY", "ant-1", "AZURE_OPENAI_API_KEY", "az-1", NULL };
    static const char *const bases[] = { "OPENAI_API_KEY", "k", "OPENAI_BASE_URL", "http://proxy:1/v1", NULL };
    static const char *const azure[] = {
        "AZURE_OPENAI_KEY", "az", "AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/", "AZURE_OPENAI_API_VERSION", "2024-06-01", NULL};
    static const char *const azure_v1[] = {"AZURE_OPENAI_KEY", "az", "AZURE_OPENAI_ENDPOINT", "https://r.openai.azure.com/openai/v1/",
                                           NULL};
    url_is(NULL, NULL, "gpt-4", keys, "https://api.openai.com/v1/chat/completions");
    url_is(NULL, NULL, "claude-3-opus-20240229", keys, "https://api.anthropic.com/v1/messages");
    url_is(NULL, NULL, "gpt-4", bases, "http://proxy:1/v1/chat/completions");
    url_is(NULL, "http://h:8000", "m", none, "http://h:8000/v1/chat/completions");
    url_is(NULL, "http://h:8000/", "m", none, "http://h:8000/v1/chat/completions");
    url_is(NULL, "http://h:8000/v1", "m", none, "http://h:8000/v1/chat/completions");
    url_is(NULL, "http://h:8000/v1/", "m", none, "http://h:8000/v1/chat/completions");
    url_is(NULL, "http://h:8000/v1/chat/completions", "m", none, "http://h:8000/v1/chat/completions");
    url_is(NULL, "https://g/v1beta/openai/", "m", none, "https://g/v1beta/openai/chat/completions");
    url_is(NULL, "https://g/api/paas/v4", "m", none, "https://g/api/paas/v4/chat/completions");
    url_is(NULL, "https://g/serve?tenant=1", "m", none, "https://g/serve/v1/chat/completions?tenant=1");
    url_is(NULL, "https://g/vllm", "m", none, "https://g/vllm/v1/chat/completions");
    url_is("anthropic", "http://h:1/v1/", "m", keys, "http://h:1/v1/messages");
    url_is("anthropic", "http://h:1", "m", keys, "http://h:1/v1/messages");
    url_is("azure", NULL, "my gpt/4", azure,
           "https://r.openai.azure.com/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-06-01");
    url_is(NULL, NULL, "azure-gpt-4", azure, "https://r.openai.azure.com/openai/deployments/gpt-4/chat/completions?api-version=2024-06-01");
    url_is("azure", NULL, "gpt-4", azure_v1, "https://r.openai.azure.com/openai/v1/chat/completions");
    url_is("azure", "https://r.openai.azure.com/openai/deployments/x/chat/completions?api-version=2023-07-01-preview", "x", keys,
           "https://r.openai.azure.com/openai/deployments/x/chat/completions?api-version=2023-07-01-preview");
    url_is("azure", NULL, "gpt-4", keys, NULL);
    url_is("compatible", NULL, "m", none, NULL);
    url_is(NULL, "localhost:8000", "m", none, NULL);
    url_is(NULL, "https://", "m", none, NULL);
    url_is(NULL, "https://me:secret@h/v1", "m", none, NULL);
    url_is(NULL, "https://h/v1\r\nX: y", "m", none, NULL);
    url_is("nobody", NULL, "m", keys, NULL);
    url_is(NULL, NULL, "gpt-4", none, NULL);
}

static void test_keys(void)
{
    struct endpoint e;
    struct err err = {0};
    char path[512];
    snprintf(path, sizeof path, "%s", own("key"));
    FILE *f = fopen(path, "w");
    fputs("  sk-from-a-file\n", f);
    fclose(f);
    const char *const both[] = {"OPENAI_API_KEY", "sk-env", "MTBENCH_JUDGE_KEY_FILE", path, NULL}, *const spoilt[] = {"OPENAI_API_KEY",
                                                                                                                      "a\r\nEvil: 1", NULL};
    const char *const missing[] = { "MTBENCH_JUDGE_KEY_FILE", own("nowhere"), NULL }, *const none[] = { NULL };
    const struct endpoint_opts o = { .model = "gpt-4", .env = env };
    vars = both;
    ok(endpoint_resolve(&e, &o, &err) == 0 && !strcmp(e.key, "sk-from-a-file"), "the key file goes before the environment, blanks are cut");
    endpoint_free(&e);
    vars = spoilt;
    ok(endpoint_resolve(&e, &o, &err) < 0 && err.kind == ERR_USAGE && !strstr(err.text, "Evil"),
       "a key with a line break is refused, unseen: %s", err.text);
    vars = missing;
    ok(endpoint_resolve(&e, &o, &err) < 0 && strstr(err.text, "/nowhere"), "a missing key file is named: %s", err.text);
    vars = none;
    ok(endpoint_resolve(&e, &o, &err) < 0 && err.kind == ERR_DEVICE && strstr(err.text, "OPENAI_API_KEY"), "no key: %s", err.text);
    unlink(path);
}

/* ---- requests ---- */

static const struct call_message messages[] = { { "system", "Be fair." }, { "user", "Rate \"it\".\n\xc3\xa9" } };
static const struct call sample = { .key = "k", .message = messages, .n_messages = 2, .temperature = 0, .max_tokens = 2048, .verdict = -1 };

static int has_header(const struct http_request *r, const char *line)
{
    for (int i = 0; i < r->n_headers; i++)
        if (!strcmp(r->header[i], line))
            return 1;
    return 0;
}

static void request_is(const char *provider, struct dialect d, const char *header, const char *body, const char *sent)
{
    struct err err = {0};
    struct endpoint e = { .provider = provider_find(provider, &err), .url = "http://h/x", .model = "gpt-4", .key = "secret" };
    struct http_request r;
    e.provider->build(&e, &d, &sample, 2048, &r);
    cJSON *want = cJSON_Parse(body), *got = cJSON_ParseWithLength(r.body, r.n_body);
    ok(want && got && cJSON_Compare(want, got, true), "%s body: %s", provider, r.body);
    ok(!strcmp(r.sent, sent), "%s records %s", provider, r.sent);
    ok(has_header(&r, header) && has_header(&r, "Content-Type: application/json"), "%s header %s", provider, header);
    ok(!strstr(r.body, "secret") && !strstr(r.sent, "secret") && !strstr(r.url, "secret"), "the key is in a header alone");
    cJSON_Delete(want);
    cJSON_Delete(got);
    http_request_free(&r);
}

static void test_requests(void)
{
    static const char m[] =
        "[{\"role\":\"system\",\"content\":\"Be fair.\"},{\"role\":\"user\",\"content\":\"Rate \\\"it\\\".\\n\\u00e9\"}]";
    char body[512];
    snprintf(body, sizeof body, "{\"model\":\"gpt-4\",\"messages\":%s,\"n\":1,\"temperature\":0,\"max_tokens\":2048}", m);
    request_is("openai", (struct dialect){0}, "Authorization: Bearer secret", body, "{\"n\":1,\"temperature\":0,\"max_tokens\":2048}");
    request_is("compatible", (struct dialect){0}, "Authorization: Bearer secret", body, "{\"n\":1,\"temperature\":0,\"max_tokens\":2048}");
    request_is("azure", (struct dialect){0}, "api-key: secret", body, "{\"n\":1,\"temperature\":0,\"max_tokens\":2048}");
    snprintf(body, sizeof body, "{\"model\":\"gpt-4\",\"messages\":%s,\"n\":1,\"max_completion_tokens\":2048}", m);
    request_is("openai", (struct dialect){.max_completion_tokens = true, .no_temperature = true}, "Authorization: Bearer secret", body,
               "{\"n\":1,\"max_completion_tokens\":2048}");
    request_is("anthropic", (struct dialect){0}, "x-api-key: secret",
               "{\"model\":\"gpt-4\",\"max_tokens\":2048,\"messages\":[{\"role\":\"user\",\"content\":\"Rate "
               "\\\"it\\\".\\n\\u00e9\"}],\"system\":\"Be fair.\",\"temperature\":0}",
               "{\"max_tokens\":2048,\"temperature\":0}");
    request_is("anthropic", (struct dialect){.no_temperature = true}, "anthropic-version: 2023-06-01",
               "{\"model\":\"gpt-4\",\"max_tokens\":2048,\"messages\":[{\"role\":\"user\",\"content\":\"Rate "
               "\\\"it\\\".\\n\\u00e9\"}],\"system\":\"Be fair.\"}",
               "{\"max_tokens\":2048}");
    snprintf(body, sizeof body,
             "{\"model\":\"gpt-4\",\"messages\":[{\"role\":\"user\",\"content\":\"Be fair.\\n\\nRate "
             "\\\"it\\\".\\n\\u00e9\"}],\"temperature\":0,\"max_tokens\":2048,\"stream\":false}");
    request_is("azure", (struct dialect){ .no_system = true, .no_n = true, .no_stream = true }, "api-key: secret", body,
               "{\"temperature\":0,\"max_tokens\":2048,\"stream\":false,\"system\":\"in the user message\"}");
    struct endpoint e = { .provider = provider_find("openai", NULL), .model = "o3-mini" };
    struct dialect o3 = dialect_guess(&e);
    e.model = "gpt-4o";
    struct dialect gpt = dialect_guess(&e);
    ok(o3.max_completion_tokens && o3.no_temperature && !gpt.max_completion_tokens && !gpt.no_temperature,
       "for batches the name tells the dialect");
}

/* ---- replies ---- */

enum { O, A };                           /* openai, anthropic */

struct row {
    int api;
    long code;
    const char *header, *body;
    enum reply_action action;
    enum call_status status;
    double after;
    const char *text;                    /* NULL: not looked at */
    const char *reason;                  /* must stand in it */
    int flag; /* 1 slow_down, 2 quota, 4 passing, 8 doubled already, 16 a cut is fine, 32 learnt max_completion_tokens, 64 no temperature,
                 128 sent without temperature and with max_completion_tokens, 256 learnt that it streams */
};

#define OK_BODY(message, finish)                                                                                                           \
    "{\"model\":\"m\",\"choices\":[{\"message\":" message ",\"finish_reason\":\"" finish                                                   \
    "\"}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}"
/* 16 tokens, so many of them thoughts */
#define SPENT(content, finish, thoughts)                                                                                                   \
    "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"" content "\"},\"finish_reason\":\"" finish                                \
    "\"}],\"usage\":{\"completion_tokens\":16,\"completion_tokens_details\":{\"reasoning_tokens\":" thoughts "}}}"
#define ANT(content, stop)                                                                                                                 \
    "{\"type\":\"message\",\"model\":\"c\",\"content\":" content ",\"stop_reason\":\"" stop                                                \
    "\",\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}"
#define ERROR(inside) "{\"error\":{" inside "}}"

static const struct row table[] = {
    {O, 200, "", OK_BODY("{\"content\":\" [[7]]\\n\"}", "stop"), REPLY_DONE, CALL_OK, -1, " [[7]]\n", NULL, 0},
    {A, 200, "", ANT("[{\"type\":\"text\",\"text\":\" [[\"},{\"type\":\"text\",\"text\":\"7]] \"}]", "end_turn"), REPLY_DONE, CALL_OK, -1,
     "[[7]]", NULL, 0},
    /* 429 with and without a word about how long */
    {O, 429, "retry-after: 20\r\n", ERROR("\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\""), REPLY_RETRY, CALL_FAILED, 20, NULL,
     "slow down", 1},
    {A, 429, "retry-after: 3\r\n", "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"x\"}}", REPLY_RETRY,
     CALL_FAILED, 3, NULL, "rate_limit", 1},
    {O, 429, "x-ratelimit-reset-requests: 12ms\r\nx-ratelimit-reset-tokens: 6m0s\r\n", ERROR("\"message\":\"x\""), REPLY_RETRY, CALL_FAILED,
     360, NULL, NULL, 1},
    {O, 429, "x-ratelimit-reset-requests: -1\r\nx-ratelimit-reset-tokens: 0\r\n", "", REPLY_RETRY, CALL_FAILED, -1, NULL, NULL, 1},
    {O, 429, "", ERROR("\"message\":\"x\""), REPLY_RETRY, CALL_FAILED, -1, NULL, NULL, 1},
    {O, 429, "retry-after: 86400\r\n", ERROR("\"message\":\"per day\""), REPLY_FATAL, CALL_FAILED, 86400, NULL, "start again", 1 | 2},
    /* out of quota */
    {O, 429, "retry-after: 1\r\n", ERROR("\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\",\"message\":\"You exceeded\""),
     REPLY_FATAL, CALL_FAILED, -1, NULL, "quota", 2},
    {A, 429, "", ERROR("\"type\":\"rate_limit_error\",\"message\":\"enforced_spend_limit_reached\""), REPLY_FATAL, CALL_FAILED, -1, NULL,
     "quota", 2},
    {A, 400, "", ERROR("\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is too low\""), REPLY_FATAL, CALL_FAILED, -1,
     NULL, "quota", 2},
    {O, 402, "", "", REPLY_FATAL, CALL_FAILED, -1, NULL, "quota", 2},
    /* the server's own trouble */
    {O, 500, "x-request-id: req_9\r\n", ERROR("\"message\":\"oops\""), REPLY_RETRY, CALL_FAILED, -1, NULL, "oops", 0},
    {O, 502, "", "<html>Bad Gateway</html>", REPLY_RETRY, CALL_FAILED, -1, NULL, "Bad Gateway", 0},
    {O, 503, "", "", REPLY_RETRY, CALL_FAILED, -1, NULL, "503", 1},
    {O, 504, "", "", REPLY_RETRY, CALL_FAILED, -1, NULL, "504", 0},
    {A, 529, "", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}", REPLY_RETRY, CALL_FAILED, -1,
     NULL, "Overloaded", 1},
    {O, 408, "", "", REPLY_RETRY, CALL_FAILED, -1, NULL, NULL, 0},
    /* key, rights, model */
    {O, 401, "", ERROR("\"message\":\"Incorrect API key provided: sk-abc\""), REPLY_FATAL, CALL_FAILED, -1, NULL, "key was refused", 0},
    {O, 403, "", ERROR("\"message\":\"no access\""), REPLY_FATAL, CALL_FAILED, -1, NULL, "no access", 4},
    {A, 404, "", ERROR("\"type\":\"not_found_error\",\"message\":\"model: x\""), REPLY_FATAL, CALL_FAILED, -1, NULL, "model: x", 4},
    {O, 302, "location: http://elsewhere\r\n", "", REPLY_FATAL, CALL_FAILED, -1, NULL, "redirect", 0},
    /* too long */
    {O, 400, "", ERROR("\"code\":\"context_length_exceeded\",\"message\":\"maximum context length is 8192\""), REPLY_DONE, CALL_TOO_LONG,
     -1, NULL, "8192", 0},
    {O, 400, "", "{\"object\":\"error\",\"message\":\"This model's maximum context length is 4096 tokens\",\"code\":400}", REPLY_DONE,
     CALL_TOO_LONG, -1, NULL, NULL, 0},
    {O, 400, "", ERROR("\"type\":\"exceed_context_size_error\",\"message\":\"the request exceeds the available context size\""), REPLY_DONE,
     CALL_TOO_LONG, -1, NULL, NULL, 0},
    {A, 400, "", ERROR("\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 210000 tokens > 200000 maximum\""), REPLY_DONE,
     CALL_TOO_LONG, -1, NULL, NULL, 0},
    {O, 413, "", "", REPLY_DONE, CALL_TOO_LONG, -1, NULL, NULL, 0},
    /* filters and refusals */
    {O, 400, "", ERROR("\"code\":\"content_filter\",\"message\":\"x\",\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}"),
     REPLY_DONE, CALL_FILTERED, -1, NULL, NULL, 0},
    {O, 400, "", ERROR("\"code\":null,\"message\":\"x\",\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}"), REPLY_DONE,
     CALL_FILTERED, -1, NULL, NULL, 0},
    {O, 403, "", ERROR("\"code\":403,\"message\":\"This model requires moderation and your input was flagged\""), REPLY_DONE,
     CALL_FILTERED, -1, NULL, NULL, 0},
    {O, 403, "", ERROR("\"message\":\"content_filter settings of your organization do not allow this model\""), REPLY_FATAL,
     CALL_FAILED, -1, NULL, "settings", 4},
    {O, 404, "", ERROR("\"message\":\"No endpoints found that support content_filter\""), REPLY_FATAL, CALL_FAILED, -1, NULL,
     "No endpoints", 4},
    {O, 200, "", OK_BODY("{\"content\":\"half\"}", "content_filter"), REPLY_DONE, CALL_FILTERED, -1, "half", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":null,\"refusal\":\"I will not\"}", "stop"), REPLY_DONE, CALL_REFUSED, -1, "I will not", NULL, 0},
    {A, 200, "", ANT("[{\"type\":\"text\",\"text\":\"no\"}]", "refusal"), REPLY_DONE, CALL_REFUSED, -1, "no", NULL, 0},
    /* the limit */
    {O, 200, "", OK_BODY("{\"content\":\"\"}", "length"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"\"}", "length"), REPLY_DONE, CALL_TRUNCATED, -1, "", NULL, 8},
    {O, 200, "", OK_BODY("{\"content\":\"The answer\"}", "length"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "The answer", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"The answer\"}", "length"), REPLY_DONE, CALL_OK, -1, "The answer", NULL, 16},
    {O, 200, "", OK_BODY("{\"content\":\"\"}", "length"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "", NULL, 16},
    {A, 200, "", ANT("[{\"type\":\"text\",\"text\":\"cut\"}]", "max_tokens"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "cut", NULL, 0},
    {A, 200, "", ANT("[]", "model_context_window_exceeded"), REPLY_DONE, CALL_TOO_LONG, -1, "", NULL, 0},
    /* nothing usable */
    {O, 200, "", "{\"choices\":[]}", REPLY_RETRY, CALL_FAILED, -1, NULL, "no choices", 0},
    {O, 200, "", "{\"choices\":null}", REPLY_RETRY, CALL_FAILED, -1, NULL, "no choices", 0},
    {O, 200, "", "{\"id\":\"x\"}", REPLY_RETRY, CALL_FAILED, -1, NULL, "no choices", 0},
    {O, 200, "", "{\"choices\":[{}]}", REPLY_RETRY, CALL_FAILED, -1, NULL, "no message", 0},
    {O, 200, "", "{\"choices\":[{\"message\"", REPLY_RETRY, CALL_FAILED, -1, NULL, "no JSON", 0},
    {O, 200, "", "", REPLY_RETRY, CALL_FAILED, -1, NULL, "no JSON", 0},
    {A, 200, "", "{\"type\":\"message\",\"content\":null}", REPLY_RETRY, CALL_FAILED, -1, NULL, "no content", 0},
    {O, 200, "", OK_BODY("{\"content\":null}", "stop"), REPLY_DONE, CALL_FAILED, -1, "", "empty", 0},
    {A, 200, "", ANT("[]", "end_turn"), REPLY_DONE, CALL_FAILED, -1, "", "empty", 0},
    /* errors in a 200, as strings, in older shapes */
    {O, 200, "", "{\"error\":\"model is loading\"}", REPLY_RETRY, CALL_FAILED, -1, NULL, "model is loading", 0},
    {O, 200, "", ERROR("\"code\":429,\"message\":\"upstream\""), REPLY_RETRY, CALL_FAILED, -1, NULL, "upstream", 1},
    {A, 200, "", "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}", REPLY_RETRY, CALL_FAILED, -1, NULL,
     NULL, 1},
    {O, 400, "", "{\"error\":\"context length exceeded\"}", REPLY_DONE, CALL_TOO_LONG, -1, NULL, NULL, 0},
    {O, 422, "", "{\"detail\":\"field missing\"}", REPLY_DONE, CALL_FAILED, -1, NULL, "field missing", 0},
    {O, 400, "", ERROR("\"message\":\"bad request\""), REPLY_DONE, CALL_FAILED, -1, NULL, "bad request", 0},
    {O, 400, "", "[{\"error\":{\"code\":400,\"message\":\"in a list\"}}]", REPLY_DONE, CALL_FAILED, -1, NULL, "in a list", 0},
    /* parameters that a model refuses: once each */
    {O, 400, "",
     ERROR("\"code\":\"unsupported_parameter\",\"param\":\"max_tokens\",\"message\":\"Unsupported parameter: 'max_tokens'. Use "
           "'max_completion_tokens' instead.\""),
     REPLY_ADAPT, CALL_FAILED, -1, NULL, NULL, 32},
    {O, 400, "", ERROR("\"message\":\"max_tokens is not supported with this model\""), REPLY_ADAPT, CALL_FAILED, -1, NULL, NULL, 32},
    {O, 400, "",
     ERROR("\"code\":\"unsupported_value\",\"param\":\"temperature\",\"message\":\"'temperature' does not support 0. Only the default (1) "
           "value is supported.\""),
     REPLY_ADAPT, CALL_FAILED, -1, NULL, NULL, 64},
    {A, 400, "", ERROR("\"type\":\"invalid_request_error\",\"message\":\"`temperature` is deprecated for this model.\""), REPLY_ADAPT,
     CALL_FAILED, -1, NULL, NULL, 64},
    {O, 400, "", ERROR("\"code\":\"unsupported_parameter\",\"param\":\"max_tokens\",\"message\":\"x\""), REPLY_DONE, CALL_FAILED, -1, NULL,
     NULL, 128},
    {A, 400, "", ERROR("\"message\":\"temperature is not supported\""), REPLY_DONE, CALL_FAILED, -1, NULL, NULL, 128},
    {O, 400, "", ERROR("\"param\":\"logprobs\",\"message\":\"logprobs not supported, temperature fine\""), REPLY_DONE, CALL_FAILED, -1,
     NULL, NULL, 0},
    {O, 422, "",
     "{\"object\":\"error\",\"message\":{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"max_tokens\"],\"msg\":\"Extra "
     "inputs are not permitted\",\"input\":1}]},\"code\":null}",
     REPLY_ADAPT, CALL_FAILED, -1, NULL, "body.max_tokens: Extra inputs", 32},
    {O, 422, "",
     "{\"detail\":[{\"loc\":[\"body\",\"temperature\"],\"msg\":\"extra fields not "
     "permitted\"},{\"loc\":[\"body\",\"max_tokens\"],\"msg\":\"extra fields not permitted\"}]}",
     REPLY_ADAPT, CALL_FAILED, -1, NULL, "body.temperature: extra fields not permitted; body.max_tokens", 32 | 64},
    {O, 422, "", "{\"error\":\"Input validation error: `temperature` must be strictly positive\",\"error_type\":\"validation\"}",
     REPLY_ADAPT, CALL_FAILED, -1, NULL, NULL, 64},
    {O, 422, "", "{\"error\":\"`max_tokens` must be less than 512\"}", REPLY_DONE, CALL_FAILED, -1, NULL, "less than 512", 0},
    /* ends that are no ends: a part is asked for again */
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", "insufficient_system_resource"), REPLY_RETRY, CALL_FAILED, -1, NULL,
     "broke the reply off (insufficient", 0},
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", "network_error"), REPLY_RETRY, CALL_FAILED, -1, NULL, "network_error", 0},
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", "abort"), REPLY_RETRY, CALL_FAILED, -1, NULL, "abort", 0},
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", "gave_up"), REPLY_RETRY, CALL_FAILED, -1, NULL, "not known here (gave_up)", 0},
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", "gave_up"), REPLY_RETRY, CALL_FAILED, -1, NULL, NULL, 16},
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", "123456789 123456789 123456789 123456789 123456789 123456789\xc3\xa9x"), REPLY_RETRY,
     CALL_FAILED, -1, NULL, "123456789 123456789 123456789 123456789 123456789 123456789)", 0},
    {O, 200, "", OK_BODY("{\"content\":\"Half\"}", ""), REPLY_RETRY, CALL_FAILED, -1, NULL, "no finish reason", 0},
    {O, 200, "", "{\"choices\":[{\"message\":{\"content\":\"Half\"},\"finish_reason\":null}]}", REPLY_RETRY, CALL_FAILED, -1, NULL,
     "no finish reason", 0},
    {O, 200, "",
     "{\"choices\":[{\"message\":{\"content\":\"Half\"},\"finish_reason\":\"stop\"}],\"error\":{\"code\":502,\"message\":\"upstream "
     "died\"}}",
     REPLY_RETRY, CALL_FAILED, -1, NULL, "upstream died", 0},
    {O, 200, "", "{\"choices\":[{\"message\":{\"content\":\"Half\"},\"error\":{\"message\":\"provider lost\"}}]}", REPLY_RETRY, CALL_FAILED,
     -1, NULL, "provider lost", 0},
    {O, 200, "",
     "{\"choices\":[{\"message\":{\"content\":\"[[7]]\"},\"finish_reason\":\"stop\",\"error\":null}],\"error\":null,\"usage\":null}",
     REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 0},
    {O, 200, "", "{\"choices\":[{\"message\":{\"content\":\"[[7]]\"},\"finish_reason\":\"stop\"}],\"error\":{\"code\":0,\"message\":\"\"}}",
     REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 0},
    {A, 200, "", ANT("[{\"type\":\"text\",\"text\":\"Half\"}]", "pause_turn"), REPLY_RETRY, CALL_FAILED, -1, NULL, "pause_turn", 0},
    {A, 200, "", "{\"content\":[{\"type\":\"text\",\"text\":\"Half\"}],\"stop_reason\":null}", REPLY_RETRY, CALL_FAILED, -1, NULL,
     "no finish reason", 0},
    {O, 200, "", OK_BODY("{\"content\":\"I think\"}", "MAX_TOKENS"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "I think", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"I think\"}", "model_length"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "I think", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"I think\"}", "max_tokens"), REPLY_DONE, CALL_OK, -1, "I think", NULL, 16},
    /* thoughts whose marks the server dropped, cut before their end: by its own count there is no answer */
    {O, 200, "", SPENT("I think", "length", "16"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "",
     "nothing but thinking came within the token limit", 16},
    {O, 200, "", SPENT("I think", "length", "15"), REPLY_DONE, CALL_OK, -1, "I think", NULL, 16},
    /* counted apart: the text is the reply */
    {O, 200, "", SPENT("I think", "length", "94"), REPLY_DONE, CALL_OK, -1, "I think", NULL, 16},
    {O, 200, "", SPENT("I think", "stop", "16"), REPLY_DONE, CALL_OK, -1, "I think", NULL, 16},
    {O, 200, "", OK_BODY("{\"content\":\"x\"}", "content_filter: RECITATION"), REPLY_DONE, CALL_FILTERED, -1, NULL, NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"[[7]]\"}", "eos_token"), REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"[[7]]\",\"tool_calls\":[]}", "stop"), REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":null,\"tool_calls\":[{\"id\":\"c\"}]}", "tool_calls"), REPLY_DONE, CALL_FAILED, -1, NULL, "tool",
     16},
    /* an empty text is an answer, no verdict; null is neither */
    {O, 200, "", OK_BODY("{\"content\":\"\"}", "stop"), REPLY_DONE, CALL_OK, -1, "", NULL, 16},
    {O, 200, "", OK_BODY("{\"content\":\"\"}", "stop"), REPLY_DONE, CALL_FAILED, -1, "", "empty", 0},
    {O, 200, "", OK_BODY("{\"content\":null}", "stop"), REPLY_DONE, CALL_FAILED, -1, "", "empty", 16},
    {A, 200, "", ANT("[]", "end_turn"), REPLY_DONE, CALL_OK, -1, "", NULL, 16},
    /* event streams, and what is left of one */
    {O, 200, "",
     "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\ndata: "
     "{\"choices\":[{\"delta\":{\"content\":\"[[\"}}]}\r\n\r\n: "
     "ping\n\ndata:{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"}},{\"index\":0,\"delta\":{\"content\":\"7]]\"},\"finish_"
     "reason\":\"stop\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n",
     REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 256},
    {O, 200, "",
     "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"[[\"}}]}\n\ndata: "
     "{\"choices\":[{\"delta\":{\"reasoning_content\":\"1]]\"}}]}\n\ndata: "
     "{\"choices\":[{\"delta\":{\"content\":\"[[8]]\"},\"finish_reason\":\"length\"}]}\n\n",
     REPLY_DOUBLE, CALL_TRUNCATED, -1, "[[8]]", NULL, 256},
    {O, 200, "", "data: {\"choices\":[{\"delta\":{\"content\":\"Half of\"},\"finish_reason\":null}]}\n\n", REPLY_RETRY, CALL_FAILED, -1,
     NULL, "no finish reason", 256},
    {O, 200, "", "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"}}]}\n\ndata: {\"choices\":[{\"del", REPLY_RETRY, CALL_FAILED, -1,
     NULL, "no JSON", 256},
    {O, 200, "",
     "data: {\"choices\":[{\"delta\":{\"content\":\"Half\"},\"finish_reason\":\"stop\"}]}\n\nevent: error\ndata: "
     "{\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n",
     REPLY_RETRY, CALL_FAILED, -1, NULL, "overloaded", 1 | 256},
    {O, 200, "", "data: " OK_BODY("{\"content\":\"[[7]]\"}", "stop") "\n\ndata: [DONE]\n\n", REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 256},
    {O, 200, "", OK_BODY("{\"content\":\"[[7]]\"}", "stop") "\n\ndata: [DONE]\n\n", REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 0},
    {O, 200, "", "\xef\xbb\xbf" OK_BODY("{\"content\":\"[[7]]\"}", "stop"), REPLY_DONE, CALL_OK, -1, "[[7]]", NULL, 0},
    {A, 200, "",
     "event: message_start\ndata: "
     "{\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"model\":\"c\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_"
     "tokens\":7,\"output_tokens\":1}}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_start\ndata: "
     "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\ndata: "
     "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"[[1]]\"}}\n\ndata: "
     "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\ndata: "
     "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"[[\"}}\n\ndata: "
     "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"8]]\"}}\n\ndata: "
     "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\nevent: message_stop\ndata: "
     "{\"type\":\"message_stop\"}\n\n",
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 256},
    {A, 200, "",
     "data: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\ndata: "
     "{\"type\":\"content_block_delta\",\"delta\":{\"text\":\"Half\"}}\n\ndata: "
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
     REPLY_RETRY, CALL_FAILED, -1, NULL, "Overloaded", 1 | 256},
    /* numbers that JSON has no word for, where nobody looks */
    {O, 200, "",
     "{\"choices\":[{\"message\":{\"content\":\"NaN "
     "[[7]]\"},\"logprobs\":{\"content\":[{\"logprob\":NaN},{\"logprob\":-Infinity}]},\"finish_reason\":\"stop\"}]}",
     REPLY_DONE, CALL_OK, -1, "NaN [[7]]", NULL, 0},
    /* thinking */
    {O, 200, "",
     OK_BODY("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"[[1]]\"}]},{\"type\":\"text\",\"text\":\"[["
             "8]]\"}]}",
             "stop"),
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"<think>[[1]]\\n</think>\\n\\n[[8]]\"}", "stop"), REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"[[1]] hm</think>[[8]]\"}", "stop"), REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"reasoning_content\":\"[[1]]\",\"content\":\"[[8]]\"}", "stop"), REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\"},{\"type\":\"text\",\"text\":\"[[8]]\"}]}", "stop"),
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"<think>[[1]] and so on\"}", "length"), REPLY_DOUBLE, CALL_TRUNCATED, -1, "", NULL, 0},
    {O, 200, "", OK_BODY("{\"reasoning_content\":\"x\",\"content\":null}", "stop"), REPLY_DONE, CALL_TRUNCATED, -1, "", "thinking", 0},
    {O, 200, "", OK_BODY("{\"content\":\"The tag <think> is [[3]]\"}", "stop"), REPLY_DONE, CALL_OK, -1, "The tag <think> is [[3]]", NULL,
     0},
    {A, 200, "", ANT("[{\"type\":\"thinking\",\"thinking\":\"[[1]]\"},{\"type\":\"text\",\"text\":\"[[8]]\"}]", "end_turn"), REPLY_DONE,
     CALL_OK, -1, "[[8]]", NULL, 0},
    /* errors that a model quotes, in its thoughts or its text, are words like any other */
    {O, 200, "", OK_BODY("{\"reasoning_content\":\"it logs {\\\"error\\\": {\\\"code\\\": 500}} [[1]]\",\"content\":\"[[8]]\"}", "stop"),
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "",
     OK_BODY("{\"reasoning\":\"{\\\"error\\\": \\\"x\\\"}\",\"reasoning_details\":[{\"text\":\"[[1]]\",\"error\":{\"message\":\"e\"}}],"
             "\"content\":\"[[8]]\"}",
             "stop"),
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "",
     OK_BODY("{\"reasoning\":{\"text\":\"[[1]]\",\"error\":{\"message\":\"e\",\"code\":500}},\"content\":\"[[8]]\"}", "stop"),
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"{\\\"error\\\": {\\\"code\\\": 429}} [[8]]\"}", "stop"), REPLY_DONE, CALL_OK, -1,
     "{\"error\": {\"code\": 429}} [[8]]", NULL, 0},
    {O, 200, "",
     "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"\\n\\ndata: {\\\"error\\\": \\\"e\\\"}\\n\\ndata: [DONE]\\n\\n[[1]]\"}}]}\n\n"
     "data: {\"choices\":[{\"delta\":{\"content\":\"[[8]]\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
     REPLY_DONE, CALL_OK, -1, "[[8]]", NULL, 256},
    {A, 200, "",
     ANT("[{\"type\":\"thinking\",\"thinking\":\"{\\\"type\\\": \\\"error\\\", \\\"error\\\": {}} [[1]]\",\"error\":{\"message\":\"e\"}},"
         "{\"type\":\"text\",\"text\":\"{\\\"error\\\": 1} [[8]]\"}]",
         "end_turn"),
     REPLY_DONE, CALL_OK, -1, "{\"error\": 1} [[8]]", NULL, 0},
    /* a page in another encoding: its words are read all the same */
    {O, 400, "", "<p>Pr\xfc" "fung: the maximum context length is 4096</p>", REPLY_DONE, CALL_TOO_LONG, -1, NULL, "Pr?fung: the maximum",
     0},
    {A, 502, "", "<h1>d\xe9" "faillance\xa0: passerelle</h1>", REPLY_RETRY, CALL_FAILED, -1, NULL, "d?faillance?: passerelle", 0},
    /* bytes that strict readers refuse */
    {O, 200, "", OK_BODY("{\"content\":\"a\\u0000b\\ud83d [[7]]\xff\"}", "stop"), REPLY_DONE, CALL_OK, -1,
     "a\xc0\x80"
     "b\xef\xbf\xbd [[7]]\xef\xbf\xbd",
     NULL, 0},
    {O, 200, "", OK_BODY("{\"content\":\"\\ud83d\\ude00 \\\\u0000\"}", "stop"), REPLY_DONE, CALL_OK, -1, "\xf0\x9f\x98\x80 \\u0000", NULL,
     0},
};

static void reply_is(const struct row *t)
{
    const struct provider *p = provider_find(t->api == A ? "anthropic" : "openai", NULL);
    struct asked a = { .doubled = t->flag & 8, .cut_is_fine = t->flag & 16 };
    if (t->flag & 128)
        a.dialect = (struct dialect){ .max_completion_tokens = true, .no_temperature = true };
    struct dialect learnt = a.dialect;
    struct http_response r = { .code = t->code, .header = t->header, .body = t->body, .n_body = strlen(t->body) };
    struct reply out;
    p->read(&r, &a, &learnt, &out);
    int fine = out.action == t->action && out.status == t->status && out.after == t->after &&
               (!t->text || (out.text && !strcmp(out.text, t->text))) && (!t->reason || (out.reason && strstr(out.reason, t->reason))) &&
               out.slow_down == !!(t->flag & 1) && out.quota == !!(t->flag & 2) && out.passing == !!(t->flag & 4) &&
               learnt.max_completion_tokens == !!(t->flag & (32 | 128)) && learnt.no_temperature == !!(t->flag & (64 | 128)) &&
               learnt.no_stream == !!(t->flag & 256);
    ok(fine, "%s %ld %s%.90s -> %d %s %g \"%s\" (%s)", p->name, t->code, t->header, t->body, out.action, call_status_name(out.status),
       out.after, out.text ? out.text : "", out.reason ? out.reason : "");
    reply_free(&out);
}

static void test_replies(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        reply_is(&table[i]);
}

/* ---- Anthropic's limits: of those with nothing left the latest counts, unless the server says how long ---- */

static void limit_is(double want, const char *header)
{
    struct http_response r = { .code = 429, .header = header, .body = "", .now = 1431861600 };   /* 2015-05-17 11:20:00 */
    struct asked a = {0};
    struct dialect d = {0};
    struct reply out;
    provider_find("anthropic", NULL)->read(&r, &a, &d, &out);
    ok(out.after == want && out.slow_down, "%g s: %.60s", want, header);
    reply_free(&out);
}

static void test_limits(void)
{
    limit_is(45, "anthropic-ratelimit-requests-remaining: 0\r\nanthropic-ratelimit-requests-reset: 2015-05-17T11:20:45Z\r\n");
    limit_is(75, "anthropic-ratelimit-input-tokens-remaining: 0\r\nanthropic-ratelimit-input-tokens-reset: 2015-05-17T11:21:15Z\r\n"
                "anthropic-ratelimit-tokens-remaining: 0\r\nanthropic-ratelimit-tokens-reset: 2015-05-17T11:20:15Z\r\n"
                "anthropic-ratelimit-requests-remaining: 3\r\nanthropic-ratelimit-requests-reset: 2015-05-17T12:00:00Z\r\n");
    limit_is(15, "Date: Sun, 17 May 2015 10:00:00 GMT\r\nanthropic-ratelimit-output-tokens-remaining: "
                 "0\r\nanthropic-ratelimit-output-tokens-reset: 2015-05-17T10:00:15Z\r\n");
    limit_is(3, "retry-after: 3\r\nanthropic-ratelimit-tokens-remaining: 0\r\nanthropic-ratelimit-tokens-reset: 2015-05-17T11:21:15Z\r\n");
    limit_is(-1, "anthropic-ratelimit-tokens-remaining: 1000\r\nanthropic-ratelimit-tokens-reset: 2015-05-17T11:21:15Z\r\n");
    limit_is(-1, "anthropic-ratelimit-tokens-remaining: 0\r\nanthropic-ratelimit-tokens-reset: soon\r\n");
}

/* ---- a system message that is not taken ---- */

static const struct { int refused; long code; const char *body;
} system_replies[] = {
    {1, 400, ERROR("\"message\":\"System role not supported\",\"type\":\"BadRequestError\",\"code\":400")},
    {1, 400, "{\"object\":\"error\",\"message\":\"Conversation roles must alternate user/assistant/user/assistant/...\"}"},
    {1, 400,
     ERROR("\"message\":\"Unsupported value: 'messages[0].role' does not support 'system' with this "
           "model.\",\"param\":\"messages[0].role\"")},
    {1, 500, ERROR("\"code\":500,\"message\":\"Jinja Exception: System role not supported\"")},
    {1, 422, "{\"error\":\"Template error: template error: Only user and assistant roles are supported!\"}"},
    {1, 422, "{\"detail\":[{\"loc\":[\"body\",\"messages\",0,\"role\"],\"msg\":\"Input should be 'user' or 'assistant'\"}]}"},
    {1, 400, ERROR("\"message\":\"Developer instruction is not enabled for models/gemma-3-27b-it\"")},
    {1, 400,
     ERROR("\"message\":\"Provider returned error\",\"code\":400,\"metadata\":{\"raw\":\"{\\\"message\\\": \\\"system role is not "
           "supported\\\"}\"}")},
    {1, 400, "System role not supported"},
    {0, 500, ERROR("\"message\":\"Internal system error: cannot allocate n bytes\"")},
    {0, 400, ERROR("\"message\":\"the request is not supported\"")},
    {0, 400, ERROR("\"code\":\"context_length_exceeded\",\"message\":\"the system message is too long: maximum context length is 10\"")},
    {0, 429, ERROR("\"message\":\"System role not supported\"")},
};

static void test_system(void)
{
    const struct provider *p = provider_find("compatible", NULL);
    for (size_t i = 0; i < sizeof system_replies / sizeof *system_replies; i++) {
        struct http_response r = {
            .code = system_replies[i].code, .header = "", .body = system_replies[i].body, .n_body = strlen(system_replies[i].body)};
        struct asked with = { .has_system = true }, without = {0}, again = { .has_system = true, .dialect = { .no_system = true } };
        struct dialect d[3] = {0};
        struct reply out[3];
        p->read(&r, &with, &d[0], &out[0]);
        p->read(&r, &without, &d[1], &out[1]);
        p->read(&r, &again, &d[2], &out[2]);
        ok(d[0].no_system == system_replies[i].refused && (out[0].action == REPLY_ADAPT) == d[0].no_system && !d[1].no_system &&
               out[1].action != REPLY_ADAPT && out[2].action != REPLY_ADAPT && !d[0].no_n,
           "%ld %s", r.code, r.body);
        for (int k = 0; k < 3; k++)
            reply_free(&out[k]);
    }
    struct http_response r = {
        .code = 400, .header = "", .body = "{\"detail\":[{\"loc\":[\"body\",\"n\"],\"msg\":\"Extra inputs are not permitted\"}]}"};
    struct asked a = {0};
    struct dialect d = {0};
    struct reply out;
    r.n_body = strlen(r.body);
    p->read(&r, &a, &d, &out);
    ok(d.no_n && !d.no_temperature && !d.max_completion_tokens && out.action == REPLY_ADAPT, "a server that takes no n");
    reply_free(&out);
}

static void test_details(void)
{
    const struct provider *o = provider_find("openai", NULL), *a = provider_find("anthropic", NULL);
    struct asked asked = {0};
    struct dialect d = {0};
    struct reply out;
    struct http_response r = {
        .code = 200, .header = "x-request-id: req_5\r\n", .body = OK_BODY("{\"content\":\"<think>t</think>[[7]]\"}", "stop")};
    r.n_body = strlen(r.body);
    o->read(&r, &asked, &d, &out);
    ok(out.tokens_in == 7 && out.tokens_out == 3 && !strcmp(out.model, "m") && !strcmp(out.request_id, "req_5") &&
           !strcmp(out.finish, "stop") && !strcmp(out.raw, "<think>t</think>[[7]]"),
       "tokens, model, request id, finish and the raw text are kept");
    reply_free(&out);
    r.body = "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{\"completion_tokens\":3}}";
    r.n_body = strlen(r.body);
    o->read(&r, &asked, &d, &out);
    ok(out.action == REPLY_DONE && out.status == CALL_OK && out.tokens_in == -1 && out.tokens_out == 3,
       "a missing or partial usage is no error");
    reply_free(&out);
    r.body = "{\"content\":[{\"type\":\"text\",\"text\":\"x\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":5,\"cache_read_"
             "input_tokens\":100,\"output_tokens\":2}}";
    r.n_body = strlen(r.body);
    a->read(&r, &asked, &d, &out);
    ok(out.tokens_in == 105 && out.tokens_out == 2, "cached tokens count");
    reply_free(&out);
    static const struct { enum http_trouble t; enum reply_action a; int billed;
    } trouble[] = {
        {HTTP_UNSENT, REPLY_RETRY, 0},
        {HTTP_BROKEN, REPLY_RETRY, 1},
        {HTTP_TOO_LARGE, REPLY_DONE, 1},
        {HTTP_HOPELESS, REPLY_FATAL, 0},
    };
    for (size_t i = 0; i < sizeof trouble / sizeof *trouble; i++) {
        r = (struct http_response){ .trouble = trouble[i].t, .transport = "why", .header = "", .body = "" };
        a->read(&r, &asked, &d, &out);
        ok(out.action == trouble[i].a && out.maybe_billed == trouble[i].billed && out.status == CALL_FAILED && !strcmp(out.reason, "why"),
           "trouble %d", trouble[i].t);
        reply_free(&out);
    }
}

/* Where a reply was under way or cannot be read, the server may have made one, and bills it. */
static void test_maybe_billed(void)
{
    static const char *const name[] = { "openai", "anthropic" };
    static const struct { const char *what; int provider; long code; const char *body; bool maybe; } reply[] = {
        { "an answer that is no JSON", O, 200, "{\"choices\":[{\"message\"", true },
        { "an answer that is no JSON", A, 200, "{\"type\":\"message\",\"content\":[", true },
        { "an empty answer", O, 200, "", true },
        { "an error beside a part", O, 200,
          "{\"choices\":[{\"message\":{\"content\":\"Half\"}}],\"error\":{\"code\":502,\"message\":\"gone\"}}", true },
        { "an error beside a part", A, 200,
          "{\"content\":[{\"type\":\"text\",\"text\":\"Half\"}],\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}", true },
        { "an error in the answer's place", O, 200, ERROR("\"message\":\"is loading\""), false },
        { "a refusal", O, 400, ERROR("\"message\":\"no\""), false },
        { "a refusal", A, 400, ERROR("\"message\":\"no\""), false },
        { "a server's trouble", O, 500, "no JSON", false },
        { "an answer", O, 200, OK_BODY("{\"content\":\"[[7]]\"}", "stop"), false },
    };
    for (size_t i = 0; i < sizeof reply / sizeof *reply; i++) {
        struct http_response r = { .code = reply[i].code, .header = "", .body = reply[i].body, .n_body = strlen(reply[i].body) };
        struct asked asked = {0};
        struct dialect d = {0};
        struct reply out;
        provider_find(name[reply[i].provider], NULL)->read(&r, &asked, &d, &out);
        ok(out.maybe_billed == reply[i].maybe, "%s: %s %s", name[reply[i].provider], reply[i].what,
           reply[i].maybe ? "may be billed" : "has its bill");
        reply_free(&out);
    }
}

static void batch_is(const char *provider, const char *line, int rc, const char *id, enum call_status status)
{
    char got[65] = "";
    struct reply out = {0};
    struct err err = {0};
    struct asked asked = {0};
    int n = provider_find(provider, NULL)->batch_read(line, strlen(line), got, &asked, &out, &err);
    ok(n == rc && (rc < 0 || (!strcmp(got, id) && out.status == status)), "%s batch: %.100s -> %s %s", provider, line, got,
       n < 0 ? err.text : call_status_name(out.status));
    reply_free(&out);
}

static void test_batches(void)
{
    batch_is("openai",
             "{\"id\":\"b\",\"custom_id\":\"k-1\",\"response\":{\"status_code\":200,\"request_id\":\"r\",\"body\":" OK_BODY(
                 "{\"content\":\"[[7]]\"}", "stop") "},\"error\":null}",
             0, "k-1", CALL_OK);
    batch_is("openai",
             "{\"custom_id\":\"k-1\",\"response\":{\"status_code\":400,\"body\":" ERROR(
                 "\"code\":\"context_length_exceeded\"") "},\"error\":null}",
             0, "k-1", CALL_TOO_LONG);
    batch_is("openai", "{\"custom_id\":\"k-1\",\"response\":null,\"error\":{\"code\":\"batch_expired\",\"message\":\"x\"}}", 0, "k-1",
             CALL_FAILED);
    batch_is("openai", "{\"custom_id\":\"k-1\"}", -1, "", 0);
    batch_is("openai", "{\"response\":{}}", -1, "", 0);
    batch_is("openai", "nonsense", -1, "", 0);
    batch_is("anthropic",
             "{\"custom_id\":\"k-1\",\"result\":{\"type\":\"succeeded\",\"message\":" ANT("[{\"type\":\"text\",\"text\":\"[[7]]\"}]",
                                                                                          "end_turn") "}}",
             0, "k-1", CALL_OK);
    batch_is("anthropic",
             "{\"custom_id\":\"k-1\",\"result\":{\"type\":\"errored\",\"error\":{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_"
             "error\",\"message\":\"prompt is too long\"}}}}",
             0, "k-1", CALL_TOO_LONG);
    batch_is("anthropic", "{\"custom_id\":\"k-1\",\"result\":{\"type\":\"expired\"}}", 0, "k-1", CALL_FAILED);
    batch_is("anthropic", "{\"custom_id\":\"k-1\",\"result\":null}", -1, "", 0);
}

int main(void)
{
    test_urls();
    test_keys();
    test_requests();
    test_replies();
    test_limits();
    test_system();
    test_details();
    test_maybe_billed();
    test_batches();
    return done_testing();
}
