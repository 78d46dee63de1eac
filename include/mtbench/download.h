/* download.h - files and short texts by URL, by libcurl (room: judge). Proxies and certificates as in http.h.
 * Redirects are followed, ten at most, within http and https. A bearer token goes to the scheme, host and port of the URL that was asked
 * for, and never along a redirect to others; it stands in no message. */
#ifndef MTB_DOWNLOAD_H
#define MTB_DOWNLOAD_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdint.h>

/* What the last reply said, for whoever knows the server: a status (0: no reply came), and its header lines. Zeroed before, buf_free()
 * after. */
struct download_reply {
    long status;
    struct buf header;
};

/* The last line "NAME: VALUE", in any case; "" if there is none or it does not fit. Returns 'value'. */
const char *download_header(const struct download_reply *r, const char *name, char *value, size_t size);

/* A URL as messages show it: without the name and password that some mirrors want in it. The caller frees. */
char *download_shown(const char *url);

struct download {
    const char *url, *path;
    const char *part;     /* where it grows; NULL: PATH.part */
    int64_t size;         /* what it must have; -1: unknown */
    const char *sha256;   /* what it must have, 64 hex digits; NULL: unknown */
    const char *git_sha1; /* its name in git (hash.h), 40 hex digits; NULL: unknown */
    const char *bearer;   /* NULL: none */
    /* May be NULL; told a few times a second; total is -1 while unknown. Non-zero: stop (err: cancelled). */
    int (*progress)(void *ctx, int64_t have, int64_t total);
    void *ctx;
    double stall;                 /* seconds without a byte after which a try ends; 0: 60 */
    struct download_reply *reply; /* may be NULL */
};

/* Fetch a file by URL to its part, check it, rename it to PATH. A part that an earlier call left is gone on with (Range) if size or a hash
 * tell whether the whole is right. Errors that may pass are tried again, five times, not before the server's Retry-After. -1: err (io,
 * device, format: not what it must be, cancelled). */
int download_file(const struct download *d, struct err *err);

struct download_text {
    const char *url, *bearer;
    size_t limit; /* bytes; more is an error. 0: the header alone (HEAD), of the first reply that sends elsewhere */
    int (*progress)(void *ctx, int64_t have, int64_t total); /* as above */
    void *ctx;
    struct download_reply *reply; /* may be NULL */
};

/* Append a text of the web to 'out' (NULL with limit 0). Tried again as above. -1: err (device, format: too long, cancelled). */
int download_text(const struct download_text *t, struct buf *out, struct err *err);

#endif
