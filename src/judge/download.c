/* download.c - files and short texts by URL, by libcurl. */
#include "mtbench/download.h"

#include "curl_setup.h"
#include "header.h"

#include "mtbench/clock.h"
#include "mtbench/filehash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_HOPS = 10, MAX_TRIES = 5, MAX_HEADER = 64 << 10 };

static const double longest_wait = 120; /* seconds that a server's Retry-After may ask for */
static const double long_wait = 5;      /* seconds of silence that nobody wonders at */

const char *download_header(const struct download_reply *r, const char *name, char *value, size_t size)
{
    if (!r->header.data || !header_find(r->header.data, name, value, size))
        *value = '\0';
    return value;
}

char *download_shown(const char *url)
{
    CURLU *u = curl_url();
    char *plain = NULL, *shown = NULL;
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
        curl_url_set(u, CURLUPART_USER, NULL, 0);
        curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
        if (curl_url_get(u, CURLUPART_URL, &plain, 0) == CURLUE_OK)
            shown = xstrdup(plain);
    }
    curl_free(plain);
    curl_url_cleanup(u);
    /* What curl cannot take apart is a slip of the hand, and shown as it is unless a password may stand in it. */
    return shown ? shown : xstrdup(strchr(url, '@') ? "(an address that is none)" : url);
}

/* ---- a request, and where it is sent on to ---- */

struct request {
    CURL *easy;                    /* owned */
    const char *url, *bearer;      /* the caller's */
    char *shown;                   /* the URL for messages; owned */
    int (*progress)(void *ctx, int64_t have, int64_t total);
    void *ctx;
    bool stay;                     /* the first reply that sends elsewhere is the answer */
    bool elsewhere;                /* this hop goes to another scheme, host or port */
    bool stopped;                  /* the user stopped it */
    long status;                   /* of the last reply */
    struct buf header;             /* its lines */
    char message[CURL_ERROR_SIZE]; /* curl's words */
};

/* The same scheme, host and port? Nothing less may see the token: another port is another server. */
static bool same_place(const char *a, const char *b)
{
    static const CURLUPart part[] = { CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT };
    CURLU *u = curl_url(), *v = curl_url();
    bool same = u && v && curl_url_set(u, CURLUPART_URL, a, 0) == CURLUE_OK && curl_url_set(v, CURLUPART_URL, b, 0) == CURLUE_OK;
    for (size_t i = 0; same && i < sizeof part / sizeof *part; i++) {
        char *x = NULL, *y = NULL;
        same = curl_url_get(u, part[i], &x, CURLU_DEFAULT_PORT) == CURLUE_OK &&
               curl_url_get(v, part[i], &y, CURLU_DEFAULT_PORT) == CURLUE_OK && !strcasecmp(x, y);
        curl_free(x);
        curl_free(y);
    }
    curl_url_cleanup(u);
    curl_url_cleanup(v);
    return same;
}

/* Lines of the last reply only: redirects, a proxy's and a "100 Continue" come before it. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct request *r = ctx;
    n *= size;
    if (n >= 5 && !memcmp(data, "HTTP/", 5))
        buf_clear(&r->header);
    if (r->header.len + n <= MAX_HEADER)
        buf_add(&r->header, data, n);
    return n;
}

/* 'write' and 'progress' get 'ctx'. */
static void prepare(struct request *r, curl_write_callback write, curl_xferinfo_callback progress, void *ctx)
{
    curl_easy_reset(r->easy);
    curl_setup_easy(r->easy);
    /* We follow redirects ourselves: what curl takes along to another port depends on its version. */
    curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(r->easy, CURLOPT_FAILONERROR, 1L); /* a page of error text must not be taken for what was asked */
    curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, ctx);
    curl_easy_setopt(r->easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(r->easy, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(r->easy, CURLOPT_XFERINFODATA, ctx);
    curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->message);
    r->message[0] = '\0';
}

static CURLcode hop(struct request *r, const char *url)
{
    struct curl_slist *header = NULL;
    r->elsewhere = !same_place(url, r->url);
    if (r->bearer && !r->elsewhere) {
        char *line = xasprintf("Authorization: Bearer %s", r->bearer);
        header = curl_slist_append(NULL, line);
        free(line);
    }
    curl_easy_setopt(r->easy, CURLOPT_URL, url);
    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, header);
    CURLcode rc = curl_easy_perform(r->easy);
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
    curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(header);
    return rc;
}

static void say_status(struct request *r)
{
    long proxy = 0;
    if (r->status == 0) /* no server was reached: a proxy refused the way to it */
        curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
    snprintf(r->message, sizeof r->message, "the %s answered %ld", proxy ? "proxy" : "server", proxy ? proxy : r->status);
}

/* The request itself, and where replies send it. */
static CURLcode travel(struct request *r)
{
    char *at = xstrdup(r->url);
    CURLcode rc = CURLE_TOO_MANY_REDIRECTS;
    for (int i = 0; i <= MAX_HOPS; i++) {
        char *next = NULL;
        rc = hop(r, at);
        if (rc != CURLE_OK || r->status < 300)
            break;
        curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &next); /* curl has made it absolute */
        if (next && r->stay && !same_place(next, r->url))
            break;
        rc = next ? CURLE_TOO_MANY_REDIRECTS : CURLE_HTTP_RETURNED_ERROR;
        if (!next) /* "not modified" and its like are no answer to what we ask */
            break;
        free(at);
        at = xstrdup(next);
    }
    if (rc == CURLE_TOO_MANY_REDIRECTS)
        snprintf(r->message, sizeof r->message, "it was redirected more than %d times", MAX_HOPS);
    else if (rc == CURLE_HTTP_RETURNED_ERROR)
        say_status(r);
    free(at);
    return rc;
}

/* May trying again help? */
static bool may_pass(const struct request *r, CURLcode rc)
{
    switch (rc) {
    case CURLE_HTTP_RETURNED_ERROR:
        /* A store's address is signed for some minutes: asked anew, the hub gives another one. */
        return r->status >= 500 || r->status == 429 || r->status == 408 || (r->status == 403 && r->elsewhere);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

static bool stop_wanted(struct request *r, int64_t have, int64_t total)
{
    if (r->progress && r->progress(r->ctx, have, total))
        r->stopped = true;
    return r->stopped;
}

/* Between two tries: 0.4 s .. 3.2 s, or what the server asks for; a long wait is said. A stop is heard. */
static void wait_for_try(struct request *r, int tries, int64_t have, int64_t total)
{
    curl_off_t asked = 0;
#if LIBCURL_VERSION_NUM >= 0x074200
    curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &asked);
#endif
    const double wait = fmin(fmax(0.2 * (1 << (tries < 4 ? tries : 4)), (double)asked), longest_wait), until = clock_now() + wait;
    if (wait > long_wait)
        log_note("%s: %s; it asks to be asked again in %.0f s", r->shown, r->message, wait);
    while (clock_now() < until && !stop_wanted(r, have, total))
        usleep(100000);
}

static int give_up(const struct request *r, CURLcode rc, struct err *err)
{
    const char *advice = "check the address, HTTPS_PROXY and SSL_CERT_FILE, then start again to go on";
    if (rc == CURLE_HTTP_RETURNED_ERROR) /* somebody is there, and says no */
        advice = may_pass(r, rc) ? "wait a while, then start again to go on" : "check the address";
    return err_set(err, ERR_DEVICE, "%s: %s; %s", r->shown, r->message[0] ? r->message : curl_easy_strerror(rc), advice);
}

static int request_open(struct request *r, struct err *err)
{
    if (curl_setup(err) < 0)
        return -1;
    r->easy = curl_easy_init();
    r->shown = download_shown(r->url);
    return r->easy ? 0 : err_set(err, ERR_DEVICE, "libcurl cannot start; check the installation");
}

/* 'reply' (may be NULL) takes what was said last. */
static void request_close(struct request *r, struct download_reply *reply)
{
    curl_easy_cleanup(r->easy);
    free(r->shown);
    if (reply) {
        buf_free(&reply->header);
        reply->status = r->status;
        reply->header = r->header;
    } else {
        buf_free(&r->header);
    }
}

/* ---- texts ---- */

struct text {
    struct request request;
    size_t limit;
    struct buf *out; /* the caller's */
    size_t start;    /* what was in it before */
    bool too_long;
};

static size_t on_text(char *data, size_t size, size_t n, void *ctx)
{
    struct text *t = ctx;
    long status = 0;
    n *= size;
    curl_easy_getinfo(t->request.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300) /* the page beside a redirect */
        return n;
    if (t->out->len - t->start + n > t->limit) {
        t->too_long = true;
        return 0;
    }
    buf_add(t->out, data, n);
    return n;
}

static int on_text_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct text *t = ctx;
    (void)total, (void)now, (void)up_total, (void)up;
    return stop_wanted(&t->request, 0, -1);
}

static CURLcode text_once(struct text *t)
{
    CURL *easy = t->request.easy;
    prepare(&t->request, on_text, on_text_progress, t);
    if (t->limit == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* counted after decompression, so a bomb of zeros ends at the limit */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, 120L);
    return travel(&t->request);
}

static int text_tries(struct text *t, struct err *err)
{
    for (int tries = 1;; tries++) {
        if (t->out) { /* half of a try before is no part of this one */
            t->out->len = t->start;
            buf_reserve(t->out, 0)[0] = '\0';
        }
        CURLcode rc = text_once(t);
        if (rc == CURLE_OK)
            return 0;
        if (t->too_long)
            return err_set(err, ERR_FORMAT, "%s: the reply is larger than %zu MB; check the address", t->request.shown, t->limit >> 20);
        if (!t->request.stopped && (!may_pass(&t->request, rc) || tries >= MAX_TRIES))
            return give_up(&t->request, rc, err);
        if (!t->request.stopped)
            wait_for_try(&t->request, tries, 0, -1);
        if (t->request.stopped)
            return err_set(err, ERR_CANCELLED, "%s: stopped; start again to go on", t->request.shown);
    }
}

int download_text(const struct download_text *d, struct buf *out, struct err *err)
{
    struct text t = {
        .request = { .url = d->url, .bearer = d->bearer, .progress = d->progress, .ctx = d->ctx, .stay = d->limit == 0 },
        .limit = d->limit,
        .out = out,
        .start = out ? out->len : 0,
    };
    int rc = request_open(&t.request, err) < 0 ? -1 : text_tries(&t, err);
    request_close(&t.request, d->reply);
    return rc;
}

/* ---- files ---- */

/* Into the part, which survives a stop, then renamed. */
struct fetch {
    struct request request;
    const struct download *d; /* the caller's */
    const char *part;         /* the caller's, or download_file()'s */
    int fd;                   /* of the part */
    int64_t have;             /* bytes in the part */
    bool checked;             /* the reply's status was looked at */
    bool too_long;            /* more came than the file has */
    int write_errno;          /* a full disk, say: curl can only be told that 0 bytes were taken */
};

static int restart(struct fetch *f, struct err *err)
{
    f->have = 0;
    return ftruncate(f->fd, 0) < 0 ? err_errno(err, "%s: cannot write", f->part) : 0;
}

/* The first bytes of a reply: its status is known now, and tells whether they go on where the part ends. */
static void check_status(struct fetch *f, long status)
{
    if (f->checked)
        return;
    f->checked = true;
    if (status != 206 && f->have > 0) { /* the server sends the whole again */
        if (ftruncate(f->fd, 0) < 0)
            f->write_errno = errno;
        f->have = 0;
    }
}

static size_t on_file(char *data, size_t size, size_t n, void *ctx)
{
    struct fetch *f = ctx;
    long status = 0;
    n *= size;
    curl_easy_getinfo(f->request.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 300) /* the page beside a redirect is no part of the file */
        return n;
    check_status(f, status);
    f->too_long = f->d->size >= 0 && f->have + (int64_t)n > f->d->size; /* a stream without an end must not fill the disk */
    for (size_t done = 0; done < n && !f->write_errno && !f->too_long;) {
        /* By offset: the part's length is 'have', whatever went wrong before. */
        ssize_t k = pwrite(f->fd, data + done, n - done, (off_t)(f->have + (int64_t)done));
        if (k > 0)
            done += (size_t)k;
        else if (k == 0 || errno != EINTR)
            f->write_errno = k == 0 ? EIO : errno;
    }
    if (f->write_errno || f->too_long)
        return 0;
    f->have += (int64_t)n;
    return n;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct fetch *f = ctx;
    (void)now, (void)up_total, (void)up;
    /* Curl's total is of this reply only. The user's stop is heard here, within a second. */
    return stop_wanted(&f->request, f->have, f->d->size >= 0 ? f->d->size : total > 0 && f->checked ? f->have - now + total : -1);
}

static CURLcode fetch_once(struct fetch *f)
{
    CURL *easy = f->request.easy;
    char range[32];
    prepare(&f->request, on_file, on_progress, f);
    /* No limit for the whole: files of many gigabytes take hours. Only a stream that stands still is given up. */
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)ceil(f->d->stall > 0 ? f->d->stall : 60));
    if (f->have > 0) {
        snprintf(range, sizeof range, "%lld-", (long long)f->have);
        curl_easy_setopt(easy, CURLOPT_RANGE, range);
    }
    f->checked = false;
    return travel(&f->request);
}

static int stopped(const struct fetch *f, struct err *err)
{
    return err_set(err, ERR_CANCELLED, "%s: stopped; start again to go on", f->d->path);
}

static int wrong_length(const struct fetch *f, struct err *err)
{
    if (f->too_long)
        return err_set(err, ERR_FORMAT, "%s: more than its %lld bytes came; fetch it from another place", f->request.shown,
                       (long long)f->d->size);
    return err_set(err, ERR_FORMAT, "%s: %lld bytes came instead of %lld; fetch it from another place", f->request.shown,
                   (long long)f->have, (long long)f->d->size);
}

/* Get the whole into the part, with a few tries; each goes on where the last one ended. */
static int fetch_part(struct fetch *f, struct err *err)
{
    f->too_long = false;
    for (int tries = 1;; tries++) {
        int64_t before = f->have;
        if (f->d->size >= 0 && f->have == f->d->size)
            return 0;
        CURLcode rc = fetch_once(f);
        if (rc == CURLE_OK || f->too_long)
            return 0;
        if (f->request.stopped)
            return stopped(f, err);
        if (f->write_errno) {
            errno = f->write_errno;
            return err_errno(err, "%s: cannot write", f->part);
        }
        if (f->have > before) /* progress: the count of tries is of tries without any */
            tries = 1;
        if (rc == CURLE_HTTP_RETURNED_ERROR && f->request.status == 416 &&
            f->have > 0) { /* the part is longer than the file: another file */
            if (restart(f, err) < 0)
                return -1;
        } else if (!may_pass(&f->request, rc) || tries >= MAX_TRIES) {
            return give_up(&f->request, rc, err);
        }
        wait_for_try(&f->request, tries, f->have, f->d->size);
        if (f->request.stopped)
            return stopped(f, err);
    }
}

static int hash_progress(void *ctx, int64_t have, int64_t total)
{
    (void)have; /* all of it has come: whoever shows progress is told so */
    return stop_wanted(ctx, total, total);
}

static int check_part(struct fetch *f, struct err *err)
{
    const struct download *d = f->d;
    const char *want = d->sha256 ? d->sha256 : d->git_sha1;
    char hex[65];
    if (f->too_long || (d->size >= 0 && f->have != d->size))
        return wrong_length(f, err);
    if (!want)
        return 0;
    /* Read back from the file: what counts is what lies on disk. The stop is heard here too. */
    const struct filehash_watch watch = { hash_progress, &f->request };
    if (filehash(f->fd, f->have, d->sha256 ? FILEHASH_SHA256 : FILEHASH_GIT, &watch, hex, err) < 0)
        return err_wrap(err, "%s", f->part);
    return strcasecmp(hex, want) ? err_set(err, ERR_FORMAT, "%s: its %s is %s instead of %s; fetch it from another place", f->request.shown,
                                           d->sha256 ? "SHA-256" : "git SHA-1", hex, want)
                                 : 0;
}

/* A part of an earlier call may be of another file: what does not check is fetched anew once. */
static int fetch_checked(struct fetch *f, struct err *err)
{
    struct err wrong = { 0 };
    bool went_on = f->have > 0;
    if (fetch_part(f, err) < 0)
        return -1;
    if (check_part(f, &wrong) == 0)
        return 0;
    if (wrong.kind != ERR_FORMAT || !went_on) {
        *err = wrong;
        return -1;
    }
    return restart(f, err) < 0 || fetch_part(f, err) < 0 ? -1 : check_part(f, err);
}

static int open_part(struct fetch *f, struct err *err)
{
    struct stat st;
    bool known = f->d->size >= 0 || f->d->sha256 || f->d->git_sha1;
    if (io_make_parents(f->part, err) < 0 || io_make_parents(f->d->path, err) < 0)
        return -1;
    f->fd = open(f->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f->fd < 0 || fstat(f->fd, &st) < 0)
        return err_errno(err, "%s: cannot write", f->part);
    f->have = st.st_size; /* an earlier start's part: go on behind it */
    /* Without a size or a hash nobody can tell whether an old part is of the same file: begin anew. */
    return !known || (f->d->size >= 0 && f->have > f->d->size) ? restart(f, err) : 0;
}

int download_file(const struct download *d, struct err *err)
{
    char *part = d->part ? xstrdup(d->part) : xasprintf("%s.part", d->path);
    struct fetch f = {
        .d = d, .part = part, .fd = -1, .request = { .url = d->url, .bearer = d->bearer, .progress = d->progress, .ctx = d->ctx }
    };
    struct err failure = { 0 };
    int rc = request_open(&f.request, &failure) < 0 || open_part(&f, &failure) < 0 ? -1 : fetch_checked(&f, &failure);
    if (rc == 0 && (fsync(f.fd) < 0 || rename(part, d->path) < 0))
        rc = err_errno(&failure, "%s: cannot put into place", d->path);
    if (rc == 0)
        io_sync_parent(d->path);
    else if (failure.kind == ERR_FORMAT) /* wrong to the end: a part is worth keeping only if it can be gone on with */
        unlink(part);
    if (rc < 0 && err)
        *err = failure;
    request_close(&f.request, d->reply);
    if (f.fd >= 0)
        close(f.fd);
    free(part);
    return rc;
}
