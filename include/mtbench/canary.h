/* canary.h - has a judge changed? Stored judgments are asked for once more, word for word, and the verdicts compared (room: judge).
 * Like the grader it knows nothing of networks: pull calls, give records. It reads the judgments and never changes them. */
#ifndef MTB_CANARY_H
#define MTB_CANARY_H

#include "mtbench/call.h"
#include "mtbench/judge_prompt.h"
#include "mtbench/judgment.h"

struct canary;

struct canary_opts {
    const char *judge;                   /* only judgments by this judge */
    const struct judge_prompts *prompts; /* for the system texts; outlive the canary, as the journal */
    int n;                               /* judgments to ask for; a pair is two calls */
    int max_tokens;
    const char *run; /* names the calls of this run, so that no earlier reply is taken for a new one: at most 10 of [A-Za-z0-9] */
    double since;    /* the journal's last run, if it asked for as many, did not come to its end and has a reply from after
                      * this time (seconds since the epoch), goes on: its replies are paid for */
    struct call_journal *journal;        /* not the one of the judgments */
};

/* Choose from a judgment file: those that count (status ok), whose prompt is known and whose text the file holds, by a hash of question,
 * turn, prompt and models, so that every run asks for the same ones. Of several of the same the last line stands. 'name' stands in
 * messages. NULL: err (format; usage: there is none). */
struct canary *canary_create(const struct canary_opts *o, const char *name, const char *data, size_t n, struct err *err);
void canary_destroy(struct canary *c);

/* The next call, valid until the next call of this; NULL: all were handed out. */
const struct call *canary_next(struct canary *c);
/* Journal the record and read its verdict. -1: err (io, format). */
int canary_take(struct canary *c, const struct call_record *r, struct err *err);

struct canary_now { int judgments, calls, done, failed; };     /* failed: done, but without a verdict */
struct canary_now canary_now(const struct canary *c);

/* A call and what became of it. */
struct canary_verdict {
    int64_t question_id;
    bool read;                           /* there is a verdict now */
    double score_was, score_is;          /* single */
    enum winner winner_was, winner_is;   /* a game of a pair */
};
/* Of call i of canary_now().calls; those of one question lie next to each other. */
struct canary_verdict canary_verdict(const struct canary *c, int i);

#endif
