/* classify.h - a reply that is no answer: what it says, and what to do about it. Pure. */
#ifndef MTB_CLASSIFY_H
#define MTB_CLASSIFY_H

#include "api_error.h"

#include "mtbench/finish.h"
#include "mtbench/provider.h"

/* No whole reply came. */
void classify_transport(const struct http_response *r, struct reply *out);
/* A reply with an error: HTTP status 'code' (for an error inside a 200: the error's own number, or 500). 'wait': seconds that the server
 * asks for; -1: it does not say. */
void classify_error(long code, const char *header, double wait, const struct api_error *e, struct reply *out);
/* A 200 that holds nothing usable: the server's fault. */
void classify_garbage(struct reply *out, const char *what);

/* What came of the model, not NULL but where it says so. */
struct said {
    const char *content, *reasoning;     /* as it is; what the server told apart as thoughts, may be NULL */
    const char *finish;                  /* why it ended, in the server's word; NULL: it does not say */
    bool is_text;                        /* the content is a text, even an empty one: not null, not missing */
    bool refusal;                        /* told apart as a refusal */
};
/* Thinking is cut from the text and kept in raw. An end that is not known to be one makes a part of it, which is asked for again. */
void classify_text(const struct said *s, const struct asked *a, struct reply *out);

/* A token count of a usage object; -1: not told. */
int64_t usage_count(const cJSON *usage, const char *name);

#endif
