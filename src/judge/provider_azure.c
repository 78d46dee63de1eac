/* provider_azure.c - Azure OpenAI: the same bodies at another address, dated (a version, the deployment in the path) or v1. */
#include "provider_priv.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_dated(const char *version)
{
    return version && strcmp(version, "v1");
}

/* What follows the host is rebuilt, so that any address that the portal shows will do. A version in the address counts. */
static int resolve(struct endpoint *e, const char *base_url, struct err *err)
{
    size_t n;
    char *probe;
    if (url_join(&probe, base_url, "chat/completions", err) < 0) /* is it a URL? */
        return -1;
    free(probe);
    const char *p = url_path(base_url, &n), *version = strstr(p, "api-version="), *openai = strstr(p, "/openai");
    if (version && !e->api_version) {
        version += strlen("api-version=");
        e->api_version = xstrndup(version, strcspn(version, "&#"));
    }
    if (openai && openai < p + n)        /* portals show addresses with the path of some other call behind the host */
        n = (size_t)(openai - p);
    while (n && p[n - 1] == '/')
        n--;
    int head = (int)(p - base_url) + (int)n;
    /* Dated versions have the deployment in the path, v1 has it as "model" in the body. */
    if (is_dated(e->api_version)) {
        char *deployment = url_escape(e->model), *escaped = url_escape(e->api_version);
        e->url = xasprintf("%.*s/openai/deployments/%s/chat/completions?api-version=%s", head, base_url, deployment, escaped);
        free(deployment);
        free(escaped);
    } else {
        e->url = xasprintf("%.*s/openai/v1/chat/completions", head, base_url);
    }
    return 0;
}

static void build(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens, struct http_request *out)
{
    *out = (struct http_request){ .url = xstrdup(e->url) };
    request_header(out, "Content-Type", "application/json");
    if (e->key)
        request_header(out, "api-key", e->key); /* not "Authorization", which is for Entra tokens */
    request_body(out, openai_body(e, d, c, max_tokens), d, c);
}

static void batch_put(const struct endpoint *e, const struct dialect *d, const struct call *c, const char *id, struct buf *out)
{
    openai_batch_line(id, is_dated(e->api_version) ? "/chat/completions" : "/v1/chat/completions", openai_body(e, d, c, c->max_tokens),
                      out);
}

const struct provider provider_azure = {
    .name = "azure", .model_prefix = "azure-", .cut_prefix = true, .deployment_env = "AZURE_OPENAI_DEPLOYMENT",
    .version_env = "AZURE_OPENAI_API_VERSION OPENAI_API_VERSION", .key_env = "AZURE_OPENAI_API_KEY AZURE_OPENAI_KEY",
    .base_env = "AZURE_OPENAI_ENDPOINT", .needs_key = true,
    .resolve = resolve, .build = build, .read = openai_read, .batch_put = batch_put, .batch_read = openai_batch_read,
    .batch_lines = 50000, .batch_bytes = 200000000, .guess = openai_guess,
};
