/* sched.h - sequences, and which rows of them the next step computes (room engine, private).
 *
 * A sequence is a list of tokens, of which the first n_kv have their K and V in its pages; the others are rows to compute. That is
 * all a scheduler must know: a prompt has many such rows, a decoding sequence one, a preempted one as many as it lost. Each step
 * computes rows of running sequences in their order, and samples where a sequence has none left. */
#ifndef MTB_SCHED_H
#define MTB_SCHED_H

#include "kv.h"
#include "mtbench/engine.h"

/* Waiting and ended sequences may hold pages: those are the prefix cache, together with the pages of cached ones. */
enum seq_state { SEQ_FREE, SEQ_WAITING, SEQ_RUNNING, SEQ_ENDED, SEQ_CACHED };

struct seq {
    enum seq_state state;
    uint64_t order;           /* of submission: what is older goes first and is preempted last */
    uint64_t used;            /* when it last ran or lent its prefix; the oldest is evicted first */
    uint64_t ended;           /* when it ended; collected in this order */
    int32_t *token;           /* (room) prompt and answer: its part of the scheduler's, NULL while it is free */
    int n_token, n_prompt, room;
    int n_kv;                 /* tokens whose K and V are in the pages */
    int32_t *page;            /* (n_pages of at most max_pages) full pages may be shared, the last one never is while it fills */
    int n_pages;
    uint64_t *seen;           /* bits of the tokens so far, while it runs with a repetition penalty; else NULL */
    struct request req;       /* req.prompt is not used after the copy */
    float *logits;            /* engine_logits(): where they go, instead of sampling */
    bool admitted;            /* it has run before */
    bool collected;           /* its completion was handed out */
    char reason[160];         /* why it failed */
    struct completion done;
};

/* Sequences by order, oldest first. */
struct seq_list {
    struct seq **at;
    int n;
};

struct sched {
    struct kv kv;
    struct seq *seq;          /* (n_seq) */
    int n_seq;
    struct seq_list waiting, running;
    int max_batch, max_rows, max_tokens;
    bool no_reuse;
    uint64_t clock;
    int32_t *page_table;      /* (n_seq, pages of max_tokens) */
    int32_t *tokens;          /* (n_seq, max_tokens) of all sequences; memory is touched as far as they are long */
    uint64_t **seen_free;     /* (max_batch) stack of cleared-on-use bit sets */
    uint64_t *seen_bits;      /* (max_batch, seen_words) */
    int n_seen_free, seen_words;
    struct engine_stats *stats;
    /* the step that sched_next() laid out */
    struct step step;
    int32_t *token;           /* (max_rows) */
    struct seq_run *run;      /* (max_batch) */
    struct seq **run_seq;     /* (max_batch) whose run it is */
    int32_t *out_row;         /* (max_batch) rows that end their sequence */
    struct seq **out_seq;     /* (max_batch) whose rows those are */
};

struct sched_opts {
    int n_seq, n_vocab, max_batch, max_rows, max_tokens;
    bool no_reuse;
    struct engine_stats *stats;
};

/* 's' takes over 'kv'. */
void sched_create(struct sched *s, const struct sched_opts *o, const struct kv *kv);
void sched_destroy(struct sched *s);
size_t sched_bytes(const struct sched_opts *o);

/* A free sequence (the least recently used cached one if need be), queued for r. */
struct seq *sched_submit(struct sched *s, const struct request *r);
/* Before all others: for who steps the engine until this one has ended. */
struct seq *sched_submit_first(struct sched *s, const struct request *r);
/* Give every running sequence the page it needs, admit what fits, lay out the step. False: there is nothing to compute. */
bool sched_next(struct sched *s);
/* The step has been computed: its K and V are in the pages. */
void sched_computed(struct sched *s);
/* One more token of a running sequence. */
void seq_append(struct seq *q, int32_t token);
/* Take a waiting or running sequence out; it keeps its first n_token tokens and what pages they have, as cache. */
void sched_end(struct sched *s, struct seq *q, enum finish why, int n_token);
/* Shorten an ended sequence. */
void sched_truncate(struct sched *s, struct seq *q, int n_token);
/* An ended sequence becomes cache, or free if it holds nothing. */
void sched_retire(struct sched *s, struct seq *q);

#endif
