/* forced.c - a verdict that the model cannot help but give: the logits behind "[[" decide between the legal verdicts. */
#include "forced.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CANDIDATES = 10 };

/* Logits (n_vocab) of what follows prompt and reply, read as one text: the boundary between both may lie inside a
 * token. */
static int next_logits(const struct forced_opts *o, const struct buf *prompt, const char *reply, float *logits, struct err *err)
{
    struct prompt p = {0};
    buf_add(&p.text, prompt->data, prompt->len);
    buf_str(&p.text, reply);
    int rc = prompt_encode(&p, o->tokenizer, o->chat, err);
    if (rc == 0)
        rc = engine_logits(o->engine, p.ids.id, (int)p.ids.n, logits, err);
    prompt_free(&p);
    return rc;
}

static int token_of(const struct forced_opts *o, const char *text, struct err *err)
{
    int32_t id = tokenizer_id(o->tokenizer, text, strlen(text));
    /* Candidates of two tokens could not be compared by one look at the logits. */
    return id >= 0 ? id : err_set(err, ERR_MODEL, "--judge-constrained: the tokenizer has no single token \"%s\"; judge without it", text);
}

static int no_number(struct err *err)
{
    return err_set(err, ERR_MODEL, "the judge's logits are no finite numbers; check its weights");
}

/* Where a vocabulary spells 10 with two tokens, the share of "1" that goes on with "0" rather than with the bracket is 10's. */
static int split_ten(const struct forced_opts *o, const struct buf *prompt, const char *reply, double *p, float *logits, struct err *err)
{
    char *longer = xasprintf("%s1", reply);
    int zero = token_of(o, "0", err), close = tokenizer_id(o->tokenizer, "]]", 2); /* "]]" is one token to most vocabularies */
    if (close < 0)
        close = token_of(o, "]", err);
    int rc = zero < 0 || close < 0 ? -1 : next_logits(o, prompt, longer, logits, err);
    free(longer);
    if (rc < 0)
        return -1;
    if (!isfinite(logits[close]) || !isfinite(logits[zero]))
        return no_number(err);
    double share = 1 / (1 + exp((double)logits[close] - (double)logits[zero])); /* of "0" against the bracket */
    p[9] = p[0] * share;                 /* p[9] is "10", p[0] is "1": what they share stays their sum */
    p[0] *= 1 - share;
    return 0;
}

/* Over these ids alone. A verdict from logits that are no numbers would look like any other. */
static int softmax(const float *logits, const int *id, int n, double *p, struct err *err)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) {
        if (!isfinite(logits[id[i]]))
            return no_number(err);
        top = fmax(top, (double)logits[id[i]]); /* taken off before exp(), which would overflow */
    }
    for (int i = 0; i < n; i++)
        sum += p[i] = exp((double)logits[id[i]] - top);
    for (int i = 0; i < n; i++)
        p[i] /= sum;
    return 0;
}

/* Probabilities of the candidates, normalised over them. Returns how many, or -1. */
static int weigh(const struct forced_opts *o, const struct buf *prompt, const char *reply, double p[MAX_CANDIDATES], struct err *err)
{
    static const char *const rating[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10" }, *const letter[] = { "A", "B", "C" };
    const char *const *name = o->format == VERDICT_RATING ? rating : letter;
    int n = o->format == VERDICT_RATING ? 10 : 3, id[MAX_CANDIDATES], rc = 0;
    bool ten = n == 10 && tokenizer_id(o->tokenizer, "10", 2) >= 0;
    float *logits = xcalloc((size_t)o->n_vocab, sizeof *logits);
    int direct = n == 10 && !ten ? 9 : n; /* candidates that are one token */
    for (int i = 0; i < direct && rc == 0; i++)
        rc = (id[i] = token_of(o, name[i], err)) < 0 ? -1 : 0;
    if (rc == 0 && (rc = next_logits(o, prompt, reply, logits, err)) == 0) {
        rc = softmax(logits, id, direct, p, err);
        if (rc == 0 && direct < n)
            rc = split_ten(o, prompt, reply, p, logits, err);
    }
    free(logits);
    return rc < 0 ? -1 : n;
}

int forced_verdict(const struct forced_opts *o, const struct buf *prompt, size_t behind, char **reply, double *expected, struct err *err)
{
    if (o->format == VERDICT_TWO_RATINGS)
        return err_set(err, ERR_USAGE,
                       "--judge-constrained: a judge prompt asks for two ratings, which cannot be forced; judge without it");
    double p[MAX_CANDIDATES] = {0};
    /* Where the judge began its verdict itself, its own words lead up to it; where it never did, the words that
     * FastChat's prompts ask for. */
    const char *bracket = strstr(*reply + behind, "[[");
    bool rating = o->format == VERDICT_RATING;
    char *start =
        bracket ? xstrndup(*reply, (size_t)(bracket - *reply) + 2) : xasprintf("%s\n%s: [[", *reply, rating ? "Rating" : "Verdict");
    int n = weigh(o, prompt, start, p, err), best = 0;
    if (n > 0) {
        *expected = rating ? 0 : p[0] + p[2] / 2; /* of letters: how often A wins, a tie being half */
        for (int i = 0; i < n; i++) {
            best = p[i] > p[best] ? i : best;
            *expected += rating ? (i + 1) * p[i] : 0;
        }
        /* What followed the bracket in the free text goes: the record holds one verdict, the forced one. */
        char *text = rating ? xasprintf("%s%d]]", start, best + 1) : xasprintf("%s%c]]", start, 'A' + best);
        free(*reply);
        *reply = text;
    }
    free(start);
    return n > 0 ? 0 : -1;
}
