/* caller.h - many calls at once to one endpoint: in flight, retried, paced, priced (room: judge). A transport over libcurl's multi
 * interface, driven by one thread. */
#ifndef MTB_CALLER_H
#define MTB_CALLER_H

#include "mtbench/provider.h"
#include "mtbench/transport.h"

/* Dollars that calls may cost, of one caller or several. */
struct purse {
    double max;                          /* 0: no limit */
    double spent;                        /* what was paid before counts too */
    double reserved;                     /* set aside for calls in flight */
};

struct caller_opts {
    const struct endpoint *endpoint;     /* outlives the caller */
    int parallel;                        /* most calls in flight; lowered on 429, raised again after successes */
    int ahead; /* so many more are taken and wait their turn: where one lands the next starts before anything else is done */
    double timeout;                      /* seconds per try; 0: 300 */
    int max_tries; /* of one call, for errors that may pass; 0: 8. Rate limits count only while nobody else is answered */
    double backoff;                      /* seconds before the second try, twice that before the third ...; 0: 1 */
    double price_in, price_out;          /* dollars per million tokens; negative: unknown */
    struct purse *purse;                 /* NULL: no limit. No call starts whose worst case would pass it */
    int64_t (*count_tokens)(void *ctx, const char *text);   /* for replies without usage; NULL: bytes / 4 */
    void *count_ctx;
    uint64_t jitter_seed;
    bool with_system;                    /* calls will have a system message, so the smoke call has one */
    bool (*stopped)(void *ctx);          /* looked at while the smoke call waits: true ends it; NULL: nothing does */
    void *stopped_ctx;
};

/* NULL: err (usage: a limit without prices; device: libcurl). Destroy through the transport's destroy. */
struct transport *caller_create(const struct caller_opts *o, struct err *err);

struct caller_now { int in_flight, waiting, limit; int64_t done, retries; double cost; int64_t tokens_in, tokens_out; };
struct caller_now caller_now(const struct transport *t);

/* One short call that costs next to nothing, before any real work: can the judge be reached, is the key right, does the model exist?
 * -1 (err: device, with what to do; cancelled when the account is out of quota, or it was stopped). */
int caller_smoke(struct transport *t, struct err *err);

#endif
