/* reply.c - fuzz target: a reply of each dialect, with a hostile status, headers and body; and a line of a batch's result.
 * First byte: the dialect and what was asked; second: the status; then header lines up to a NUL, then the body. */
#include "mtbench/provider.h"

#include "src/judge/header.h"

#include <stdlib.h>
#include <string.h>

/* What every reader promises: a status with its reason, a text that is UTF-8, no wait out of this world. */
static void check(const struct reply *r, const struct asked *a)
{
    const char *const text[] = { r->text, r->raw, r->reason, r->model, r->request_id, r->finish };
    if (r->action == REPLY_DONE && (r->status == CALL_OK) != (r->reason == NULL))
        abort();
    if (r->status == CALL_OK && (r->action != REPLY_DONE || !r->text || (!*r->text && !a->cut_is_fine)))
        abort();
    if (r->action == REPLY_RETRY && !(r->after == -1 || (r->after >= 0 && r->after <= 900)))
        abort();
    for (size_t i = 0; i < 3; i++)
        if (text[i] && utf8_bad(text[i], strlen(text[i])) >= 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[] = { "openai", "anthropic", "azure", "compatible" };
    static const long code[] = { 200, 429, 400, 503, 401, 500, 413, 302 };
    struct err err;
    if (size < 3)
        return 0;
    const struct provider *p = provider_find(name[data[0] & 3], &err);
    const struct asked asked = {.dialect = {.max_completion_tokens = data[0] & 4, .no_temperature = data[0] & 8, .no_system = data[0] & 64},
                                .doubled = data[0] & 16,
                                .cut_is_fine = data[0] & 32,
                                .has_system = data[0] & 128};
    struct dialect learnt = asked.dialect;
    const char *rest = (const char *)data + 2, *split = memchr(rest, '\0', size - 2);
    size_t n_head = split ? (size_t)(split - rest) : 0;
    char *head = strndup(rest, n_head), *body = malloc(size);
    size_t n_body = split ? size - 2 - n_head - 1 : size - 2;
    memcpy(body, split ? split + 1 : rest, n_body);
    struct http_response r = { .code = code[data[1] & 7], .header = head, .body = body, .n_body = n_body, .now = 1.7e9 };
    struct reply out;
    p->read(&r, &asked, &learnt, &out);
    check(&out, &asked);
    reply_free(&out);
    char id[65];
    if (p->batch_read(body, n_body, id, &asked, &out, &err) == 0)
        check(&out, &asked);
    reply_free(&out);
    free(head);
    free(body);
    return 0;
}
