/* classify.h - a reply that is no answer: what it says, and what to do about it. Pure. */
#ifndef MTB_CLASSIFY_H
#define MTB_CLASSIFY_H

#include "mtbench/provider.h"

struct api_error {                       /* strings of the body; "" where it does not say */
    const char *type, *code, *param, *message, *inner;
    long number;                         /* a numeric code: some gateways put the status there; 0: none */
};

/* As json_parse(), but for what servers really send: bytes that are no UTF-8, NUL characters and half surrogate pairs become U+FFFD. */
cJSON *reply_parse(const char *text, size_t n, struct err *err);

/* Does the body carry an error? Fills 'e' in any case. The error may be an object, a string, the body itself, or one in a list. */
bool api_error_read(const cJSON *body, struct api_error *e);

/* Does the error refuse this parameter of the request? */
bool api_error_refuses(const struct api_error *e, long code, const char *param);

/* No whole reply came. */
void classify_transport(const struct http_response *r, struct reply *out);
/* A reply with an error: HTTP status 'code' (for an error inside a 200: the error's own number, or 500). 'plain': what to quote if the
 * body was no JSON (may be NULL). */
void classify_error(long code, const char *header, double now, const struct api_error *e, const char *plain, struct reply *out);
/* A 200 that holds nothing usable: the server's fault. */
void classify_garbage(struct reply *out, const char *what);

enum reply_end { END_STOP, END_LENGTH, END_CONTEXT, END_FILTER, END_REFUSAL };
/* A text came: 'content' as it is, 'reasoning' told apart by the server (may be NULL). Thinking is cut from the text and kept in raw. */
void classify_text(const char *content, const char *reasoning, enum reply_end end, const struct asked *a, struct reply *out);

/* A token count of a usage object; -1: not told. */
int64_t usage_count(const cJSON *usage, const char *name);

#endif
