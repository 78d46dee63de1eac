/* http.c - requests and replies by HTTP, by libcurl. */
#include "mtbench/http.h"

#include "curl_setup.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 256 << 10 };         /* bytes of header lines that are kept; more is no reply of an API */

/* A request under way. Kept and used again: its curl handle keeps the connection, and its buffers their room. */
struct transfer {
    CURL *easy;                          /* kept for the life of the http */
    struct curl_slist *header;           /* the request's; freed when its reply was read */
    struct buf head, body;               /* the reply's; room is kept */
    char *sent;                          /* the request's body */
    void *tag;                           /* the caller's */
    bool live, too_large;                /* under way; its body passed the limit */
    char message[CURL_ERROR_SIZE];       /* curl's words, then ours */
    CURLcode result;                     /* when it has ended */
    struct transfer *next;               /* among the idle, or the finished */
};

struct http {
    CURLM *multi;                        /* drives all transfers from one thread */
    struct transfer *idle, *finished, **last, *lent; /* 'lent': read by the caller of http_next() right now */
    struct transfer **all;               /* (n_all) whatever list they are in, for the end */
    int n_all;                           /* transfers, idle ones too */
};

int curl_setup(struct err *err)
{
    static bool started;                 /* curl's own state is of the process, so this is too */
    if (!started && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_DEVICE, "libcurl cannot start; check the installation");
    started = true;
    return 0;
}

const char *http_library(void)
{
    return curl_version();
}

const char *http_tls(void)
{
    const char *tls = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return tls ? tls : "not in this curl: no hosted judge can be reached";
}

static const char *env_file(const char *const *name)
{
    for (; *name; name++) {
        const char *value = getenv(*name);
        if (value && *value)
            return value;
    }
    return NULL;
}

/* What all our transfers share. libcurl itself reads the proxy variables; the CA variables are its command-line tool's, so we read them. */
void curl_setup_easy(void *easy)
{
    static const char *const file[] = { "CURL_CA_BUNDLE", "SSL_CERT_FILE", NULL }, *const folder[] = { "SSL_CERT_DIR", NULL };
    const char *ca = env_file(file), *dir = env_file(folder);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); /* its SIGALRM would go to an MPI program's thread */
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mtbench/" MTB_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 30000L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L); /* a judge thinks for minutes; firewalls forget silent connections */
    /* One connection per call in flight: over one HTTP/2 connection a single reset would lose all of them, paid for. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    if (ca)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
    if (dir)
        curl_easy_setopt(easy, CURLOPT_CAPATH, dir);
}

/* ---- calls ---- */

struct http *http_create(int max_connections, struct err *err)
{
    if (curl_setup(err) < 0)
        return NULL;
    struct http *h = xcalloc(1, sizeof *h);
    h->last = &h->finished;
    h->multi = curl_multi_init();
    if (!h->multi) {
        free(h);
        err_set(err, ERR_DEVICE, "libcurl cannot start; check the installation");
        return NULL;
    }
    curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)max_connections);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)max_connections); /* none is closed between calls for want of room */
    return h;
}

void http_destroy(struct http *h)
{
    if (!h)
        return;
    for (int i = 0; i < h->n_all; i++) {
        struct transfer *t = h->all[i];
        if (t->live)
            curl_multi_remove_handle(h->multi, t->easy);
        curl_easy_cleanup(t->easy);
        curl_slist_free_all(t->header);
        buf_free(&t->head);
        buf_free(&t->body);
        free(t->sent);
        free(t);
    }
    curl_multi_cleanup(h->multi);
    free(h->all);
    free(h);
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    n *= size;
    if (t->body.len + n > HTTP_MAX_REPLY) { /* counted after decompression: a bomb of zeros ends here */
        t->too_large = true;
        return 0;
    }
    buf_add(&t->body, data, n);
    return n;
}

/* Lines of the last response only: a proxy's and a "100 Continue" come before it. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    n *= size;
    if (n >= 5 && !memcmp(data, "HTTP/", 5))
        buf_clear(&t->head);
    if (t->head.len + n <= MAX_HEADER)
        buf_add(&t->head, data, n);
    return n;
}

static struct transfer *take_idle(struct http *h)
{
    struct transfer *t = h->idle;
    if (t) {
        h->idle = t->next;
        return t;
    }
    t = xcalloc(1, sizeof *t);
    t->easy = curl_easy_init();
    h->all = xrealloc(h->all, (size_t)h->n_all + 1, sizeof *h->all);
    h->all[h->n_all++] = t;
    return t;
}

static void end_transfer(struct http *h, struct transfer *t, CURLcode result)
{
    t->result = result;
    t->live = false;
    curl_multi_remove_handle(h->multi, t->easy);
    t->next = NULL;
    *h->last = t;                        /* in the order of their ends */
    h->last = &t->next;
}

void http_start(struct http *h, const struct http_request *r, double timeout, void *tag)
{
    struct transfer *t = take_idle(h);
    t->tag = tag;
    t->message[0] = '\0';
    curl_easy_reset(t->easy);            /* options only; the connection stays */
    curl_setup_easy(t->easy);
    for (int i = 0; i < r->n_headers; i++)
        t->header = curl_slist_append(t->header, r->header[i]);
    t->header = curl_slist_append(t->header, "Expect:"); /* no round trip to ask whether a body is welcome */
    curl_easy_setopt(t->easy, CURLOPT_URL, r->url);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->header); /* not copied by curl: freed in recycle() */
    if (r->body) {
        t->sent = xstrndup(r->body, r->n_body); /* POSTFIELDS are not copied either, and the request is the caller's */
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->n_body);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->sent);
    }
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(fmin(timeout, 1e6) * 1000)); /* of the whole try; a long can hold it */
    curl_easy_setopt(t->easy, CURLOPT_DNS_CACHE_TIMEOUT, 600L);
    curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that it can undo: some compress unasked; on_body() bounds it */
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->message);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t); /* gather() finds the transfer by its handle */
    t->live = true;
    if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)    /* never sent: it ends at once, or its call would wait for ever */
        end_transfer(h, t, CURLE_FAILED_INIT);
}

void http_cancel(struct http *h)
{
    for (int i = 0; i < h->n_all; i++)
        if (h->all[i]->live)
            end_transfer(h, h->all[i], CURLE_ABORTED_BY_CALLBACK); /* so that their tags come back by http_next() */
}

static void gather(struct http *h)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(h->multi, &left))) {
        struct transfer *t = NULL;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        end_transfer(h, t, m->data.result);
    }
}

void http_wait(struct http *h, double wait)
{
    double until = clock_now() + wait;
    int running;
    for (;;) {
        curl_multi_perform(h->multi, &running);
        gather(h);
        double left = until - clock_now();
        if (h->finished || left <= 0)
            return;
        curl_multi_poll(h->multi, NULL, 0, (int)ceil(fmin(left, 3600) * 1000), NULL); /* a signal ends it early, and the loop goes round */
    }
}

/* Failures before the request was on its way cannot have been billed. */
static enum http_trouble trouble_of(const struct transfer *t)
{
    long sent = 0;
    switch (t->result) {
    case CURLE_OK: return HTTP_CAME;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    /* No number of tries mends a certificate, and nothing was sent to whoever showed it. */
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR: case CURLE_SSL_ENGINE_NOTFOUND: case CURLE_SSL_CIPHER:
        return HTTP_HOPELESS;
    default:
        if (t->too_large)
            return HTTP_TOO_LARGE;
        curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
        return sent > 0 ? HTTP_BROKEN : HTTP_UNSENT;
    }
}

/* In words; libcurl's own name hosts and certificates, never headers. */
static void explain(struct transfer *t, enum http_trouble trouble)
{
    char said[sizeof t->message];
    snprintf(said, sizeof said, "%s", t->message[0] ? t->message : curl_easy_strerror(t->result));
    if (t->too_large)
        snprintf(t->message, sizeof t->message, "the reply is larger than %d MB", HTTP_MAX_REPLY >> 20);
    else if (t->result == CURLE_OPERATION_TIMEDOUT)
        snprintf(t->message, sizeof t->message, "timeout: %.200s", said);
    else if (t->result == CURLE_PARTIAL_FILE)
        snprintf(t->message, sizeof t->message, "the reply was cut off: %.200s", said);
    else if (trouble == HTTP_HOPELESS)
        snprintf(t->message, sizeof t->message, "%.180s; check the URL, and SSL_CERT_FILE", said);
    else
        snprintf(t->message, sizeof t->message, "%.250s", said);
}

static void recycle(struct http *h, struct transfer *t)
{
    curl_slist_free_all(t->header);
    t->header = NULL;
    free(t->sent);
    t->sent = NULL;
    buf_clear(&t->head);
    if (t->body.cap > 1 << 20)           /* one huge reply must not hold its memory for ever */
        buf_free(&t->body);
    buf_clear(&t->body);
    t->too_large = false;
    t->next = h->idle;
    h->idle = t;
}

bool http_next(struct http *h, void **tag, struct http_response *out)
{
    if (h->lent)
        recycle(h, h->lent);
    struct transfer *t = h->lent = h->finished;
    if (!t)
        return false;
    h->finished = t->next;
    if (!h->finished)
        h->last = &h->finished;
    *out = (struct http_response){.trouble = trouble_of(t),
                                  .header = t->head.data ? t->head.data : "",
                                  .body = t->body.data ? t->body.data : "",
                                  .n_body = t->body.len};
    if (out->trouble == HTTP_CAME) {
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &out->code);
    } else {
        explain(t, out->trouble);
        out->transport = t->message;
    }
    out->now = clock_unix();             /* Retry-After may be a date */
    *tag = t->tag;
    return true;
}
