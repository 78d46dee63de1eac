/* provider.c - the registry of dialects, and from flags and environment to an endpoint. */
#include "provider_priv.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The registry: a provider is a file provider_NAME.c with its provider_NAME, and a word here. Of several prefixes of a model's name the
 * first counts. */
#define PROVIDERS(X) X(openai) X(azure) X(anthropic) X(compatible)
#define DECLARE(name) extern const struct provider provider_##name;
#define ENTRY(name) &provider_##name,    /* the same list again: declared and registered cannot differ */
PROVIDERS(DECLARE)
static const struct provider *const registry[] = { PROVIDERS(ENTRY) };
enum { N_PROVIDERS = sizeof registry / sizeof *registry };

const char *provider_names(void)
{
    static char names[256];              /* made once; the registry is constant */
    if (!*names)
        for (int i = 0; i < N_PROVIDERS; i++)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", registry[i]->name);
    return names;
}

const struct provider *provider_find(const char *name, struct err *err)
{
    for (int i = 0; i < N_PROVIDERS; i++)
        if (!strcmp(registry[i]->name, name))
            return registry[i];
    err_set(err, ERR_USAGE, "%s: no such provider; known are %s", name, provider_names());
    return NULL;
}

void http_request_free(struct http_request *r)
{
    for (int i = 0; i < r->n_headers; i++)
        free(r->header[i]);
    free(r->header);
    free(r->url);
    free(r->body);
    free(r->sent);
    *r = (struct http_request){0};
}

void reply_free(struct reply *r)
{
    free(r->text);
    free(r->raw);
    free(r->reason);
    free(r->model);
    free(r->request_id);
    free(r->finish);
    *r = (struct reply){0};
}

/* ---- requests ---- */

void request_header(struct http_request *r, const char *name, const char *value)
{
    r->header = xrealloc(r->header, (size_t)r->n_headers + 1, sizeof *r->header);
    r->header[r->n_headers++] = xasprintf("%s: %s", name, value);
}

cJSON *request_messages(const struct call_message *m, int n)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < n; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "role", m[i].role);
        cJSON_AddStringToObject(item, "content", m[i].content);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

void request_body(struct http_request *r, cJSON *body, const struct dialect *d, const struct call *c)
{
    char *text = cJSON_PrintUnformatted(body);
    r->body = xstrdup(text);
    r->n_body = strlen(text);
    cJSON_free(text);
    /* What is left is "what was sent": the parameters. The texts are in the journal by their hash and in the
     * judgments. */
    cJSON_DeleteItemFromObject(body, "model");
    cJSON_DeleteItemFromObject(body, "messages");
    cJSON_DeleteItemFromObject(body, "system");
    if (d->no_system && c->n_messages && !strcmp(c->message[0].role, "system"))
        cJSON_AddStringToObject(body, "system", "in the user message"); /* not sent, but what the judge got: the record says it */
    text = cJSON_PrintUnformatted(body);
    r->sent = xstrdup(text);
    cJSON_free(text);
    cJSON_Delete(body);
}

/* ---- URLs ---- */

const char *url_path(const char *url, size_t *n)
{
    const char *host = strstr(url, "://");
    const char *p = host ? host + 3 : url;
    p += strcspn(p, "/?#");              /* behind the host and its port */
    *n = *p == '/' ? strcspn(p, "?#") : 0;
    return p;
}

/* "v1", "v1beta", "v4" as one part of the path. */
static bool has_version(const char *path, size_t n)
{
    for (size_t i = 0; i + 2 < n; i++)
        if (path[i] == '/' && path[i + 1] == 'v' && isdigit((unsigned char)path[i + 2]))
            return true;
    return false;
}

/* Before anything is sent: a typing error must not cost a time-out, and a password in a URL would go into logs and
 * manifests. */
static int check_url(const char *base, struct err *err)
{
    if (strncmp(base, "http://", 7) && strncmp(base, "https://", 8))
        return err_set(err, ERR_USAGE, "%s: no URL; it begins with http:// or https://", base);
    const char *host = strstr(base, "://") + 3;
    size_t n = strcspn(host, "/?#");
    if (memchr(host, '@', n))
        return err_set(err, ERR_USAGE, "a user or password stands in the URL; leave it out, keys come from the environment");
    if (n == 0)
        return err_set(err, ERR_USAGE, "%s: the host is missing; write http://HOST:PORT", base);
    for (const char *p = base; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 127) /* the header of another request could hide behind a line break */
            return err_set(err, ERR_USAGE, "a blank or control character stands in the URL; remove it");
    return 0;
}

int url_join(char **url, const char *base, const char *path, struct err *err)
{
    size_t n, k = strlen(path);
    if (check_url(base, err) < 0)
        return -1;
    const char *p = url_path(base, &n), *query = p + n;
    size_t keep = n;
    while (keep && p[keep - 1] == '/')
        keep--;
    int head = (int)(p - base) + (int)keep; /* bytes of BASE without its query and the slashes at its end */
    bool whole = keep > k && !strncmp(p + keep - k, path, k) && p[keep - k - 1] == '/'; /* somebody pasted the whole endpoint */
    /* Bases are given with and without a version; doubling it ("/v1/v1/") is the most frequent mistake with compatible
     * servers. */
    const char *between = whole ? "" : has_version(p, keep) ? "/" : "/v1/";
    *url = xasprintf("%.*s%s%s%.*s", head, base, between, whole ? "" : path, (int)strcspn(query, "#"), query);
    return 0;
}

char *url_escape(const char *s)
{
    struct buf b = {0};
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-._~", *s)) /* RFC 3986's unreserved characters */
            buf_char(&b, *s);
        else
            buf_printf(&b, "%%%02X", (unsigned char)*s);
    }
    return buf_steal(&b);
}

/* ---- endpoints ---- */

/* The first of the space-separated variables that is set to something. */
static const char *first_of(const struct endpoint_opts *o, const char *names)
{
    char name[64];
    for (; names && *names; names += strspn(names, " ")) {
        size_t n = strcspn(names, " ");
        if (n < sizeof name) {
            memcpy(name, names, n);
            name[n] = '\0';
            const char *value = o->env(name);
            if (value && *value)
                return value;
        }
        names += n;
    }
    return NULL;
}

static bool has_prefix(const struct provider *p, const char *model)
{
    return p->model_prefix && !strncmp(model, p->model_prefix, strlen(p->model_prefix));
}

static const struct provider *choose(const struct endpoint_opts *o, struct err *err)
{
    /* A name decides only where nothing was said: "claude-" behind somebody's own address is that address's dialect. */
    for (int i = 0; !o->provider && !o->base_url && i < N_PROVIDERS; i++)
        if (has_prefix(registry[i], o->model))
            return registry[i];
    return provider_find(o->provider ? o->provider : o->base_url ? "compatible" : "openai", err);
}

/* A key with a line break in it would become a header of its own. */
static int take_key(struct endpoint *e, const char *text, const char *where, struct err *err)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] >= 127)
            return err_set(err, ERR_USAGE, "%s: a blank or control character stands in the key; put the key there alone", where);
    if (n)
        e->key = xstrndup(text, n);
    return 0;
}

static int find_key(struct endpoint *e, const struct endpoint_opts *o, struct err *err)
{
    /* A file, else a variable; never a flag, which ps shows. */
    const char *place = e->words->key_file, *file = o->env(place), *value = first_of(o, e->provider->key_env);
    if (file && *file) {
        struct buf b = {0};
        int rc = io_read(file, &b, err) < 0 ? err_wrap(err, "%s", place) : take_key(e, b.data, place, err);
        buf_free(&b);
        if (rc < 0)
            return -1;
    } else if (value && take_key(e, value, "the key in the environment", err) < 0) {
        return -1;
    }
    if (e->provider->needs_key && !e->key && !o->offline)
        return err_set(err, ERR_DEVICE, "%s %s: no key for %s; set %s, or %s to a file with the key", e->words->who, e->model,
                       e->provider->name, e->provider->key_env, place);
    return 0;
}

static const char *process_env(const char *name)
{
    return getenv(name);
}

/* Where the address came from, for messages. */
static const char *base_source(const struct endpoint *e, const struct endpoint_opts *o)
{
    return o->base_url ? e->words->base_url : e->provider->base_env;
}

static const struct endpoint_words judge_words = {
    "judge", "--judge-provider", "--judge-base-url", "--judge-model", "MTBENCH_JUDGE_KEY_FILE", false,
};

int endpoint_resolve(struct endpoint *e, const struct endpoint_opts *given, struct err *err)
{
    struct endpoint_opts o = *given;
    o.env = o.env ? o.env : process_env;
    *e = (struct endpoint){ .provider = choose(&o, err), .words = o.words ? o.words : &judge_words };
    const struct provider *p = e->provider;
    if (!p)
        return err_wrap(err, "%s", e->words->provider);
    /* The deployment of the environment is the judge's; a fallback has its own model name. */
    const char *deployment = e->words->second ? NULL : first_of(&o, p->deployment_env), *version = first_of(&o, p->version_env);
    const char *base = o.base_url ? o.base_url : first_of(&o, p->base_env); /* a flag, the environment, the provider's own: in this order */
    /* What the server calls it. Results keep the name that the user gave, so that renaming a deployment changes no
     * file. */
    e->model = xstrdup(deployment ? deployment : o.model + (p->cut_prefix && has_prefix(p, o.model) ? strlen(p->model_prefix) : 0));
    e->api_version = version ? xstrdup(version) : NULL;
    base = base ? base : e->provider->base_url;
    int rc = 0;
    if (!base)
        rc = err_set(err, ERR_USAGE, "%s %s: provider %s needs an address; give %s, or set %s", e->words->who, o.model, e->provider->name,
                     e->words->base_url, e->provider->base_env);
    else if ((rc = e->provider->resolve(e, base, err)) < 0)
        err_wrap(err, "%s", base_source(e, &o));
    if (rc < 0 || find_key(e, &o, err) < 0) {
        endpoint_free(e);
        return -1;
    }
    return 0;
}

void endpoint_free(struct endpoint *e)
{
    if (e->key)
        explicit_bzero(e->key, strlen(e->key));
    free(e->key);
    free(e->url);
    free(e->model);
    free(e->api_version);
    *e = (struct endpoint){0};
}

struct dialect dialect_guess(const struct endpoint *e)
{
    return e->provider->guess ? e->provider->guess(e->model) : (struct dialect){0};
}
