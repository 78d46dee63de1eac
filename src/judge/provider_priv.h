/* provider_priv.h - what the dialects share. */
#ifndef MTB_PROVIDER_PRIV_H
#define MTB_PROVIDER_PRIV_H

#include "mtbench/provider.h"

/* BASE with PATH behind it ("chat/completions"), and "v1/" between them unless the base has a version of its own; a base that ends in PATH
 * stays. -1: err (usage) for what is no http URL, or carries a password. */
int url_join(char **url, const char *base, const char *path, struct err *err);
/* The path of a URL, from its first slash; its length without a query or fragment. */
const char *url_path(const char *url, size_t *n);
/* Letters, digits, -._~ as they are, all else as %XX. Caller frees. */
char *url_escape(const char *s);

void request_header(struct http_request *r, const char *name, const char *value);
/* Body and 'sent' from the parameters: 'body' is taken over; "model", "messages" and "system" are no parameters, but that the system text
 * went into the user's message is one. */
void request_body(struct http_request *r, cJSON *body, const struct dialect *d, const struct call *c);
/* The messages as a list of {"role", "content"}. */
cJSON *request_messages(const struct call_message *m, int n);

/* The chat completion of the OpenAI family, shared with azure. */
cJSON *openai_body(const struct endpoint *e, const struct dialect *d, const struct call *c, int max_tokens);
void openai_read(const struct http_response *r, const struct asked *a, struct dialect *learnt, struct reply *out);
void openai_batch_line(const char *id, const char *url, cJSON *body, struct buf *out);
struct dialect openai_guess(const char *model);
int openai_batch_read(const char *line, size_t n, char id[65], const struct asked *a, struct reply *out, struct err *err);

#endif
