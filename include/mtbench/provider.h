/* provider.h - dialects of chat APIs: one file and one row of the registry each (room: judge). Pure: bytes to bytes, no network.
 * A dialect builds the HTTP request of a call and reads the reply; what to do about a reply is classify()'s. */
#ifndef MTB_PROVIDER_H
#define MTB_PROVIDER_H

#include "mtbench/buf.h"
#include "mtbench/call.h"

/* Where and as whom. Filled from flags and environment by endpoint_resolve(). */
struct endpoint {
    const struct provider *provider;
    char *url;                           /* of the chat endpoint, whole */
    char *model;                         /* sent as "model" (a deployment for azure) */
    char *key;                           /* secret: never printed, logged or recorded; NULL: none */
    char *api_version;                   /* azure, dated; NULL otherwise */
};

/* What a model turned out not to take; learnt from its refusals, shared by all calls of an endpoint. */
struct dialect {
    bool max_completion_tokens;          /* wants this name instead of max_tokens */
    bool no_temperature;                 /* takes only its default */
};

struct http_request {                    /* built by a provider; release with http_request_free() */
    char *url;
    char **header;                       /* (n_headers) "Name: value"; the secret one is among them */
    int n_headers;
    char *body;
    size_t n_body;
};

enum reply_action {
    REPLY_DONE,                          /* record.status says what came */
    REPLY_RETRY,                         /* again after 'after' seconds (-1: by backoff); 'slow_down': fewer at a time */
    REPLY_ADAPT,                         /* again at once, the dialect was changed */
    REPLY_DOUBLE,                        /* again with twice the token limit (once per call) */
    REPLY_FATAL                          /* nobody's call will fare better: key, model, quota */
};

struct reply {
    enum reply_action action;
    enum call_status status;
    double after;
    bool slow_down, quota;               /* quota: fatal now, but worth a new start later (exit 75) */
    char *text, *raw, *reason, *model, *request_id;   /* owned */
    int64_t tokens_in, tokens_out;       /* -1: not told */
};

struct http_response {
    long code;                           /* 0: no reply at all; 'transport' says why */
    const char *transport;               /* "timeout", "connection reset", ...; NULL when a reply came */
    const char *header;                  /* raw header lines */
    const char *body;
    size_t n_body;
};

struct provider {
    const char *name;                    /* "openai", "azure", "anthropic", "compatible" */
    const char *key_env;                 /* variables looked at for the key, space-separated */
    const char *base_url;                /* default, or NULL: must be given */
    bool needs_key;
    /* Fill in e->url from base URL, model and version. -1: err (usage). */
    int (*resolve)(struct endpoint *e, const char *base_url, struct err *err);
    void (*build)(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens, struct http_request *out);
    /* Read a reply; may change the dialect (then action is REPLY_ADAPT). Bounds-checked: bodies are hostile. */
    void (*read)(const struct http_response *r, struct dialect *d, bool doubled, struct reply *out);
    /* One line of a batch file for this call, and one line of a result or error file back: key copied to 'key'. -1: err (format). */
    void (*batch_put)(const struct endpoint *e, const struct dialect *d, const struct call *c, struct buf *out);
    int (*batch_read)(const char *line, size_t n, char key[65], struct reply *out, struct err *err);
};

const struct provider *provider_find(const char *name, struct err *err);
void http_request_free(struct http_request *r);
void reply_free(struct reply *r);

struct endpoint_opts {
    const char *provider;                /* NULL: by the judge's name: claude-* is anthropic, all else openai; with a base URL: compatible */
    const char *base_url, *model;        /* base_url NULL: the provider's, or its environment variable */
    const char *(*env)(const char *name);
};
/* Collect provider, URL, version and key (environment, or the file that MTBENCH_JUDGE_KEY_FILE names). -1: err (usage; device for a missing key). */
int endpoint_resolve(struct endpoint *e, const struct endpoint_opts *o, struct err *err);
void endpoint_free(struct endpoint *e);

#endif
