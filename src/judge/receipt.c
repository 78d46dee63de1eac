/* receipt.c - from a reply to the record of its call. */
#include "receipt.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t count_text(const struct counter *n, const char *text)
{
    return n->count ? n->count(n->ctx, text) : ((int64_t)strlen(text) + 3) / 4; /* 4 bytes a token: English prose */
}

int64_t count_prompt(const struct counter *n, const struct call_message *m, int n_messages)
{
    int64_t sum = 3;
    for (int i = 0; i < n_messages; i++)
        sum += 4 + count_text(n, m[i].content); /* a chat template puts about this around each message */
    return sum;
}

struct bill bill_of(const struct reply *r, int64_t prompt, const struct bill *worst, const struct counter *n)
{
    const char *text = r->raw ? r->raw : r->text; /* thoughts are billed too */
    bool told = r->tokens_in >= 0 && r->tokens_out >= 0, came = r->text || r->tokens_in >= 0 || r->tokens_out >= 0;
    if (!came)
        return r->maybe_billed ? *worst : (struct bill){0};
    struct bill b = { r->tokens_in >= 0 ? r->tokens_in : prompt, r->tokens_out, !told };
    if (b.tokens_out < 0)                /* of a reply that was broken off only the server knows how long it was */
        b.tokens_out = text && !r->maybe_billed ? count_text(n, text) : r->maybe_billed ? worst->tokens_out : 0;
    return b;
}

void tally_add(struct tally *t, const struct bill *b)
{
    t->tokens_in += b->tokens_in;        /* over all tries: each that was answered was billed */
    t->tokens_out += b->tokens_out;
    t->estimated |= b->estimated;
}

/* Keys shorter than this are placeholders ("none", "EMPTY") that may stand in any text. */
enum { SHORTEST_SECRET = 8 };

void blot(char *text, const char *secret)
{
    size_t n = secret ? strlen(secret) : 0;
    if (!text || n < SHORTEST_SECRET)
        return;
    for (char *p = text; (p = strstr(p, secret)); p += n)
        memset(p, '*', n);
}

struct receipt *receipt_make(const char *key, uint64_t content, struct reply *r, const struct tally *t, const char *sent,
                             const struct budget *b, const char *secret)
{
    struct receipt *c = xcalloc(1, sizeof *c);
    /* Hosts echo headers in errors, and a gateway's reply may quote the key: it must not come into a journal that
     * people share. */
    char *const text[] = { r->text, r->raw, r->reason, r->model, r->request_id, r->finish };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        blot(text[i], secret);
    c->record = (struct call_record){
        .key = xstrdup(key),
        .content = content,
        .status = r->status,
        .reason = r->status == CALL_OK ? NULL : r->reason,
        .text = r->text ? r->text : xstrdup(""),
        .raw = r->raw,
        .model = r->model,
        .request_id = r->request_id,
        .finish = r->finish,
        .sent = sent ? xstrdup(sent) : NULL,
        .tokens_in = t->tokens_in,
        .tokens_out = t->tokens_out,
        .tokens_estimated = t->estimated, /* one try without usage makes the sum an estimate */
        .cost = budget_price(b, t->tokens_in, t->tokens_out),
        .tries = t->tries,
        .seconds = t->seconds,
        .tstamp = clock_unix(),
        .expected_score = NAN,
    };
    if (r->status == CALL_OK)
        free(r->reason);
    *r = (struct reply){0};              /* its strings moved */
    return c;
}

void receipt_free(struct receipt *r)
{
    if (!r)
        return;
    const char *const text[] = {r->record.key,   r->record.reason,     r->record.text,   r->record.raw,
                                r->record.model, r->record.request_id, r->record.finish, r->record.sent};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free((void *)text[i]);
    free(r);
}
