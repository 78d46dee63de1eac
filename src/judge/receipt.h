/* receipt.h - from a reply to the record of its call: tokens, cost, and no word of the key. */
#ifndef MTB_RECEIPT_H
#define MTB_RECEIPT_H

#include "budget.h"

#include "mtbench/provider.h"

struct receipt {                         /* owns the strings of its record */
    struct receipt *next;
    struct call_record record;
};

/* What the tries of a call came to so far. */
struct tally {
    int64_t tokens_in, tokens_out;
    bool estimated;
    int tries;
    double seconds;
};

struct counter {                         /* counts tokens where the server did not */
    int64_t (*count)(void *ctx, const char *text);   /* NULL: a quarter of the bytes */
    void *ctx;
};

int64_t count_text(const struct counter *n, const char *text);
int64_t count_prompt(const struct counter *n, const struct call_message *m, int n_messages);
/* Add what a reply was billed, or an estimate of what it does not tell. */
void tally_add(struct tally *t, const struct reply *r, int64_t prompt, const struct counter *n);

/* Takes the reply's strings. Where the key stands in one of them it is blotted out. */
struct receipt *receipt_make(const char *key, uint64_t content, struct reply *r, const struct tally *t, const char *sent, const struct budget *b,
                             const char *secret);
void receipt_free(struct receipt *r);
/* Blot the secret out of a text, in place. */
void blot(char *text, const char *secret);

#endif
