/* http.h - calls by HTTP for judging, by libcurl; files are download.h's (room: judge). One thread. Proxies come from the environment
 * (HTTPS_PROXY, NO_PROXY ...), the CA file from CURL_CA_BUNDLE or SSL_CERT_FILE, the CA folder from SSL_CERT_DIR. */
#ifndef MTB_HTTP_H
#define MTB_HTTP_H

#include "mtbench/err.h"
#include "mtbench/provider.h"

#include <stdbool.h>

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

#endif
