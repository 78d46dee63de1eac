/* provider.h - dialects of chat APIs: one file and one row of the registry each (room: judge). Pure: bytes to bytes, no network, no clock.
 * A dialect builds the HTTP request of a call and reads the reply; what to do about a reply that is no answer is classify()'s. */
#ifndef MTB_PROVIDER_H
#define MTB_PROVIDER_H

#include "mtbench/buf.h"
#include "mtbench/call.h"

/* How messages name the model and the flags that chose it; constant. */
struct endpoint_words {
    const char *who;                     /* "judge" */
    const char *provider, *base_url, *model;   /* "--judge-provider" ... */
    const char *key_file;                /* the variable that names a file with the key: "MTBENCH_JUDGE_KEY_FILE" */
    bool second;                         /* beside another endpoint, whose deployment the provider's variable names */
};

/* Where and as whom. Filled from flags and environment by endpoint_resolve(). */
struct endpoint {
    const struct provider *provider;
    const struct endpoint_words *words;
    char *url;                           /* of the chat endpoint, whole */
    char *model;                         /* sent as "model" (a deployment for azure) */
    char *key;                           /* secret: never printed, logged or recorded; NULL: none */
    char *api_version;                   /* azure, dated; NULL otherwise */
};

/* What a model turned out not to take; learnt from its refusals, shared by all calls of an endpoint. */
struct dialect {
    bool max_completion_tokens;          /* wants this name instead of max_tokens */
    bool no_temperature;                 /* takes only its default */
    bool no_system;                      /* takes no system message: its text goes in front of the user's */
    bool no_n;                           /* takes no "n", of which one is the default */
    bool no_stream;                      /* streams unless told not to */
};

/* How the try was sent that a reply answers. */
struct asked {
    struct dialect dialect;
    bool doubled;                        /* the token limit has been doubled already */
    bool cut_is_fine;                    /* of the call */
    bool has_system;                     /* the call begins with a system message */
};

struct http_request {                    /* built by a provider; release with http_request_free() */
    char *url;
    char **header;                       /* (n_headers) "Name: value"; the secret one is among them */
    int n_headers;
    char *body;                          /* NULL: a GET */
    size_t n_body;
    char *sent;                          /* JSON object of the parameters in the body, for the record */
};

enum reply_action {
    REPLY_DONE,                          /* status says what came */
    REPLY_RETRY,                         /* again after 'after' seconds (-1: by backoff); 'slow_down': fewer at a time */
    REPLY_ADAPT,                         /* again at once, the dialect was changed */
    REPLY_DOUBLE,                        /* again with twice the token limit (once per call); status and texts say what came so far */
    REPLY_FATAL                          /* nobody's call will fare better: key, model, quota */
};

struct reply {
    enum reply_action action;
    enum call_status status;
    double after;
    bool slow_down;
    bool quota;                          /* fatal now, but worth a new start later (exit 75) */
    bool passing;                        /* fatal only while nothing has ever been answered: a gateway's 403 or 404 may be about one call */
    bool maybe_billed;                   /* no usable answer, yet the server may have made one */
    char *text, *raw, *reason, *model, *request_id, *finish;   /* owned; NULL: none */
    int64_t tokens_in, tokens_out;       /* -1: not told */
};

enum http_trouble {
    HTTP_CAME,                           /* a whole reply */
    HTTP_UNSENT,                         /* no connection: may pass */
    HTTP_BROKEN,                         /* sent, and no whole reply came: timeout, reset, cut off */
    HTTP_TOO_LARGE,                      /* the reply is larger than any reply should be */
    HTTP_HOPELESS                        /* will not pass: certificate, CA file, URL */
};

struct http_response {
    enum http_trouble trouble;
    long code;                           /* 0: no reply */
    const char *transport;               /* what the trouble was; NULL when a reply came */
    const char *header;                  /* raw header lines; "" without */
    const char *body;
    size_t n_body;
    double now;                          /* when it came, seconds since the epoch */
};

struct provider {
    const char *name;                    /* "openai", "azure", "anthropic", "compatible" */
    const char *model_prefix; /* models whose names begin so are this one's, where no provider and no address is given; NULL: none */
    bool cut_prefix;                     /* it is ours: the server knows the model without it */
    const char *key_env, *base_env;      /* variables looked at for key and base URL, space-separated */
    const char *deployment_env;          /* variable with the server's name of the model, where that is another; NULL: none */
    const char *version_env;             /* variables with the version of the API, space-separated; NULL: none */
    const char *base_url;                /* default, or NULL: must be given */
    bool needs_key;
    /* Fill in e->url from base URL, model and version. -1: err (usage). */
    int (*resolve)(struct endpoint *e, const char *base_url, struct err *err);
    void (*build)(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens, struct http_request *out);
    /* Read a reply; may add to what was learnt (then action is REPLY_ADAPT). Bounds-checked: bodies are hostile. */
    void (*read)(const struct http_response *r, const struct asked *a, struct dialect *learnt, struct reply *out);
    /* One line of a batch file for this call, without a newline, and one line of a result or error file back: its id copied to 'id'.
     * -1: err (format). */
    void (*batch_put)(const struct endpoint *e, const struct dialect *d, const struct call *c, const char *id, struct buf *out);
    int (*batch_read)(const char *line, size_t n, char id[65], const struct asked *a, struct reply *out, struct err *err);
    int batch_lines;                     /* most lines of a batch, and bytes */
    int64_t batch_bytes;
    /* What models of this name are known to want, for batches, where refusals cannot teach. NULL: nothing. */
    struct dialect (*guess)(const char *model);
};

/* NULL: err (usage), which lists them. */
const struct provider *provider_find(const char *name, struct err *err);
/* "openai, azure, ...": all of them, for help texts. */
const char *provider_names(void);
void http_request_free(struct http_request *r);
void reply_free(struct reply *r);

struct endpoint_opts {
    const char *provider;                /* NULL: by the model's name, with a base URL compatible, else openai */
    const char *base_url, *model;        /* base_url NULL: from the environment, else the provider's own */
    const struct endpoint_words *words;  /* NULL: a judge's */
    const char *(*env)(const char *name);   /* NULL: getenv */
    bool offline;                        /* nothing will be sent: it works without a key */
};
/* Collect provider, URL, version and key (the file that words->key_file names, or the environment). -1: err (usage; device for a
 * missing key). */
int endpoint_resolve(struct endpoint *e, const struct endpoint_opts *o, struct err *err);
void endpoint_free(struct endpoint *e);

/* Where refusals cannot teach (batch files): what models of this name are known to want. */
struct dialect dialect_guess(const struct endpoint *e);

#endif
