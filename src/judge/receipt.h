/* receipt.h - from a reply to the record of its call: tokens, cost, and no word of the key. */
#ifndef MTB_RECEIPT_H
#define MTB_RECEIPT_H

#include "budget.h"

#include "mtbench/provider.h"

struct receipt {                         /* owns the strings of its record */
    struct receipt *next;
    struct call_record record;
};

/* Tokens that one try was billed; estimated: the server did not tell. */
struct bill { int64_t tokens_in, tokens_out; bool estimated; };

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
/* What a reply was billed: what the server told, our own count ('prompt' tokens, and the text) of what it did not, the 'worst' case of one
 * that was made perhaps but did not come. Nothing only where nothing can have been made. */
struct bill bill_of(const struct reply *r, int64_t prompt, const struct bill *worst, const struct counter *n);
void tally_add(struct tally *t, const struct bill *b);

/* Takes the reply's strings. Where the key stands in one of them it is blotted out. */
struct receipt *receipt_make(const char *key, uint64_t content, struct reply *r, const struct tally *t, const char *sent,
                             const struct budget *b, const char *secret);
void receipt_free(struct receipt *r);
/* Blot the secret out of a text, in place. */
void blot(char *text, const char *secret);

#endif
