/* http.h - HTTP for judging and fetching, by libcurl (room: judge). One thread. Proxies come from the environment (HTTPS_PROXY, NO_PROXY
 * ...), the CA file from CURL_CA_BUNDLE or SSL_CERT_FILE, the CA folder from SSL_CERT_DIR. */
#ifndef MTB_HTTP_H
#define MTB_HTTP_H

#include "mtbench/err.h"
#include "mtbench/provider.h"

#include <stdbool.h>
#include <stdint.h>

enum { HTTP_MAX_REPLY = 16 << 20 };      /* bytes of a reply's body */

/* Many requests at a time over connections that are used again. Redirects are not followed: they would carry the key elsewhere. */
struct http;

/* "libcurl/7.88.1 OpenSSL/3.0.11 ...": what is linked; and its TLS alone. */
const char *http_library(void);
const char *http_tls(void);

/* NULL: err (device). */
struct http *http_create(int max_connections, struct err *err);
void http_destroy(struct http *h);
/* Send a request (copied); its reply will carry 'tag'. 'timeout': seconds for all of it. */
void http_start(struct http *h, const struct http_request *r, double timeout, void *tag);
/* Work until a reply is there, at most 'wait' seconds, without spinning. */
void http_wait(struct http *h, double wait);
/* The next reply, valid until the next call of this; false: none. */
bool http_next(struct http *h, void **tag, struct http_response *out);
/* Break off all that is under way; http_next() gives the tags back, as broken. */
void http_cancel(struct http *h);

struct download {
    const char *url, *path;
    int64_t size;                        /* what it must have; -1: unknown */
    const char *sha256;                  /* what it must have, 64 hex digits; NULL: unknown */
    /* May be NULL; told a few times a second; total is -1 while unknown. Non-zero: stop (err: cancelled). */
    int (*progress)(void *ctx, int64_t have, int64_t total);
    void *ctx;
    double stall;                        /* seconds without a byte after which a try ends; 0: 60 */
};

/* Fetch a file by URL to PATH.part, check it, rename it to PATH. A part that an earlier call left is gone on with (Range) if size or
 * SHA-256 tell whether the whole is right. Errors that may pass are tried again, five times. -1: err (io, device, format: not what it must
 * be, cancelled). */
int http_download(const struct download *d, struct err *err);

#endif
