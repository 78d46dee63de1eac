/* spread.h - what a team is made to compute in tests of spread models: prompts in pieces, page copies, decoding side by side; with all
 * logits and draws, which must not depend on how many members there are. */
#ifndef MTB_TEST_SPREAD_H
#define MTB_TEST_SPREAD_H

#include "mtbench/team.h"

enum { PIECE = 16, A = 40, B = 70, DECODE = 5, MAX_VOCAB = 320 };

static const struct team_sizes spread_sizes = { .max_rows = 32, .max_out = 2, .max_tokens = 128, .n_pages = 12 };

struct record {
    struct buf b;                         /* logits and draws, in order */
    int failed, interrupted;
    struct err err;
};

/* A step, its logits and draws to the record; again where it was interrupted. Returns the first draw. */
static inline int32_t spread_step(struct team *t, const struct step *s, struct record *out)
{
    float logits[MAX_VOCAB];
    int32_t drawn[2] = { 0 };
    int rc;
    const int n_vocab = team_model(t)->config.n_vocab;
    while ((rc = team_step(t, s, &out->err)) == 0)
        out->interrupted++;
    for (int i = 0; rc == 1 && i < s->n_out; i++) {
        team_logits(t, i, logits);
        buf_add(&out->b, logits, (size_t)n_vocab * sizeof *logits);
    }
    if (rc < 0 || team_draw(t, s, drawn, &out->err) < 0) {
        out->failed++;
        return 0;
    }
    buf_add(&out->b, drawn, (size_t)s->n_out * sizeof *drawn);
    return drawn[0];
}

static inline void spread_prefill(struct team *t, const int32_t *token, int n, const int32_t *page, struct record *out)
{
    for (int at = 0, k; at < n && !out->failed; at += k) {
        k = n - at < PIECE ? n - at : PIECE;
        const struct seq_run run = { .n_rows = k, .pos = at, .page = page };
        const int32_t last = k - 1;
        const struct sampling how = { .top_p = 1, .repetition_penalty = 1 };
        spread_step(t, &(struct step){ .n_rows = k, .token = token + at, .n_runs = 1, .run = &run, .n_out = at + k == n, .out_row = &last,
                                .how = &how }, out);
    }
}

/* Two prompts, the second of which goes on, in another's copied pages, beside the first. */
static inline void spread_run(struct team *t, struct record *out)
{
    const int32_t page[2][2] = { { 7, 2 }, { 4, 9 } }, copied[2] = { 1, 11 }, row[2] = { 0, 1 };
    int32_t token[2][B + DECODE];
    const int n_vocab = team_model(t)->config.n_vocab;
    if (team_start(t, &spread_sizes, &out->err) < 0) {
        out->failed++;
        return;
    }
    for (int i = 0; i < B; i++)
        token[0][i] = (i * 37 + 11) % n_vocab, token[1][i] = (i * 53 + 5) % n_vocab;
    spread_prefill(t, token[0], A, page[0], out);
    spread_prefill(t, token[1], B, page[1], out);
    for (int i = 0; i < 2 && !out->failed; i++)
        team_copy_page(t, copied[i], page[1][i]);
    for (int i = 0; i < DECODE && !out->failed; i++) {
        const struct seq_run both[2] = { { .n_rows = 1, .pos = A + i, .page = page[0] },
                                         { .first_row = 1, .n_rows = 1, .pos = B + i, .page = copied } };
        const int32_t now[2] = { (i * 7) % n_vocab, (i * 13 + 1) % n_vocab };
        const struct sampling how[2] = {
            { .top_p = 1, .repetition_penalty = 1 },
            { .temperature = 0.8f, .top_p = 0.95f, .repetition_penalty = 1, .key = { 3, 4 }, .counter = { 9 } },
        };
        spread_step(t, &(struct step){ .n_rows = 2, .token = now, .n_runs = 2, .run = both, .n_out = 2, .out_row = row, .how = how }, out);
    }
    team_stop(t);
}

#endif
