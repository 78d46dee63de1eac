/* http.c - HTTP, by libcurl: the one file that knows it. */
#include "mtbench/http.h"

#include "mtbench/clock.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int start_curl(struct err *err)
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
static void set_common(CURL *easy)
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
    if (start_curl(err) < 0)
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
    set_common(t->easy);
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

/* ---- files ---- */

/* A download: into PATH.part, which survives a stop, then renamed. */
struct fetch {
    const struct download *d;            /* the caller's */
    CURL *easy;                          /* owned */
    int fd;                              /* of the part */
    int64_t have;                        /* bytes in the part */
    bool checked, stopped;               /* the reply's status was looked at; the user stopped it */
    int write_errno;                     /* a full disk, say: curl can only be told that 0 bytes were taken */
    char message[CURL_ERROR_SIZE];       /* curl's words */
};

static size_t on_file(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    long code = 0;
    n *= size;
    /* The first bytes of the reply: its status is known now, and tells whether they go on where the part ends. */
    if (!f->checked) {
        f->checked = true;
        curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &code);
        if (code != 206 && f->have > 0) { /* the server sends the whole again */
            if (ftruncate(f->fd, 0) < 0)
                f->write_errno = errno;
            f->have = 0;
        }
    }
    for (size_t done = 0; done < n && !f->write_errno;) {
        /* By offset: the part's length is 'have', whatever went wrong before. */
        ssize_t k = pwrite(f->fd, data + done, n - done, (off_t)(f->have + (int64_t)done));
        if (k > 0)
            done += (size_t)k;
        else if (k == 0 || errno != EINTR)
            f->write_errno = k == 0 ? EIO : errno;
    }
    if (f->write_errno)
        return 0;
    f->have += (int64_t)n;
    return n;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct fetch *f = ctx;
    (void)now, (void)up_total, (void)up;
    /* Curl's total is of this reply only. */
    int64_t whole = f->d->size >= 0 ? f->d->size : total > 0 && f->checked ? f->have - now + total : -1;
    if (f->d->progress && f->d->progress(f->d->ctx, f->have, whole)) /* the user's stop is heard here, within a second */
        f->stopped = true;
    return f->stopped;
}

static CURLcode fetch_once(struct fetch *f)
{
    char range[32];
    curl_easy_reset(f->easy);
    set_common(f->easy);
    curl_easy_setopt(f->easy, CURLOPT_URL, f->d->url);
    curl_easy_setopt(f->easy, CURLOPT_FOLLOWLOCATION, 1L); /* hubs send to their stores; no key goes along */
    curl_easy_setopt(f->easy, CURLOPT_MAXREDIRS, 10L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(f->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#endif
    curl_easy_setopt(f->easy, CURLOPT_FAILONERROR, 1L); /* a page of error text must not land in the part */
    curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, on_file);
    curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(f->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(f->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(f->easy, CURLOPT_XFERINFODATA, f);
    /* No limit for the whole: files of many gigabytes take hours. Only a stream that stands still is given up. */
    curl_easy_setopt(f->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(f->easy, CURLOPT_LOW_SPEED_TIME, (long)ceil(f->d->stall > 0 ? f->d->stall : 60));
    curl_easy_setopt(f->easy, CURLOPT_ERRORBUFFER, f->message);
    if (f->have > 0) {
        snprintf(range, sizeof range, "%lld-", (long long)f->have);
        curl_easy_setopt(f->easy, CURLOPT_RANGE, range);
    }
    f->checked = false;
    f->message[0] = '\0';
    return curl_easy_perform(f->easy);
}

/* May trying again help? */
static bool may_pass(struct fetch *f, CURLcode rc)
{
    long code = 0;
    curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &code);
    switch (rc) {
    case CURLE_HTTP_RETURNED_ERROR: return code >= 500 || code == 429 || code == 408;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR: case CURLE_SEND_ERROR: case CURLE_GOT_NOTHING: case CURLE_SSL_CONNECT_ERROR:
        return true;
    default: return false;
    }
}

/* Get the whole into the part, with a few tries; each goes on where the last one ended. */
static int fetch_part(struct fetch *f, struct err *err)
{
    for (int tries = 1;; tries++) {
        int64_t before = f->have;
        if (f->d->size >= 0 && f->have == f->d->size)
            return 0;
        CURLcode rc = fetch_once(f);
        if (rc == CURLE_OK)
            return 0;
        if (f->stopped)
            return err_set(err, ERR_CANCELLED, "%s: stopped; start again to go on", f->d->path);
        if (f->write_errno) {
            errno = f->write_errno;
            return err_errno(err, "%s.part: cannot write", f->d->path);
        }
        if (f->have > before)            /* progress: the count of tries is of tries without any */
            tries = 1;
        long code = 0;
        curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &code);
        if (rc == CURLE_HTTP_RETURNED_ERROR && code == 416 && f->have > 0) { /* the part is longer than the file: another file */
            f->have = 0;
            if (ftruncate(f->fd, 0) < 0)
                return err_errno(err, "%s.part: cannot write", f->d->path);
        } else if (!may_pass(f, rc) || tries >= 5) {
            return err_set(err, ERR_DEVICE, "%s: %s; check the address, HTTPS_PROXY and SSL_CERT_FILE, then start again to go on",
                           f->d->url, f->message[0] ? f->message : curl_easy_strerror(rc));
        }
        usleep(200000u << (tries < 4 ? tries : 4)); /* 0.4 s .. 3.2 s */
    }
}

static int check_part(const struct fetch *f, struct err *err)
{
    const struct download *d = f->d;
    if (d->size >= 0 && f->have != d->size)
        return err_set(err, ERR_FORMAT, "%s: %lld bytes came instead of %lld; fetch it from another place", d->url, (long long)f->have,
                       (long long)d->size);
    if (!d->sha256)
        return 0;
    struct sha256 *h = sha256_begin();
    char *piece = xcalloc(1, 1 << 18), hex[65];
    uint8_t digest[32];
    ssize_t n = 0;
    /* Read back from the file: what counts is what lies on disk. */
    for (int64_t at = 0; at < f->have && (n = pread(f->fd, piece, 1 << 18, (off_t)at)) > 0; at += n)
        sha256_add(h, piece, (size_t)n);
    sha256_end(h, digest);
    free(piece);
    hex_of(digest, sizeof digest, hex);
    if (strcasecmp(hex, d->sha256))
        return err_set(err, ERR_FORMAT, "%s: its SHA-256 is %s instead of %s; fetch it from another place", d->url, hex, d->sha256);
    return 0;
}

/* A part of an earlier call may be of another file: what does not check is fetched anew once. */
static int fetch_checked(struct fetch *f, struct err *err)
{
    bool went_on = f->have > 0;
    if (fetch_part(f, err) < 0)
        return -1;
    if (check_part(f, err) == 0)
        return 0;
    if (ftruncate(f->fd, 0) < 0)
        return err_errno(err, "%s.part: cannot write", f->d->path);
    f->have = 0;
    return !went_on || fetch_part(f, err) < 0 ? -1 : check_part(f, err);
}

int http_download(const struct download *d, struct err *err)
{
    char *part = xasprintf("%s.part", d->path);
    struct fetch f = { .d = d, .fd = -1 };
    struct stat st;
    int rc = -1;
    if (start_curl(err) < 0 || io_make_parents(d->path, err) < 0)
        goto out;
    f.fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f.fd < 0 || fstat(f.fd, &st) < 0) {
        err_errno(err, "%s: cannot write", part);
        goto out;
    }
    f.have = st.st_size;                 /* an earlier start's part: go on behind it */
    /* Without a size or a checksum nobody can tell whether an old part is of the same file: begin anew. */
    if ((d->size < 0 && !d->sha256) || (d->size >= 0 && f.have > d->size)) {
        f.have = 0;
        if (ftruncate(f.fd, 0) < 0) {
            err_errno(err, "%s: cannot write", part);
            goto out;
        }
    }
    f.easy = curl_easy_init();
    if (!f.easy) {
        err_set(err, ERR_DEVICE, "libcurl cannot start; check the installation");
        goto out;
    }
    rc = fetch_checked(&f, err);
    if (rc == 0 && (fsync(f.fd) < 0 || rename(part, d->path) < 0))
        rc = err_errno(err, "%s: cannot put into place", d->path);
    if (rc == 0)
        io_sync_parent(d->path);
    else if (err && err->kind == ERR_FORMAT) /* wrong to the end: a part is worth keeping only if it can be gone on with */
        unlink(part);
out:
    curl_easy_cleanup(f.easy);
    if (f.fd >= 0)
        close(f.fd);
    free(part);
    return rc;
}
