/* grader.h - from matches to judgments: which calls are still to be made, what their replies mean, what is written (room: judge).
 * Knows nothing of networks or ranks: pull calls, give records. */
#ifndef MTB_GRADER_H
#define MTB_GRADER_H

#include "mtbench/call.h"
#include "mtbench/judgment.h"
#include "mtbench/match.h"

struct grader;

struct grader_opts {
    const char *judge;                   /* the judge's name, as recorded */
    const struct matches *matches;       /* outlive the grader, as all of these */
    struct answer_set *answers;          /* may grow while judging; the grader only reads it */
    const struct model_answers *reference;   /* NULL: none */
    struct call_journal *journal;
    int repeat;                          /* judgments of each match, >= 1 */
    int max_tokens;                      /* 2048 as FastChat */
    bool constrained;                    /* ask for forced verdicts, which only a local judge gives */
    bool ask_filtered; /* a fallback is there: what was filtered in an earlier run is asked again, unless it was the fallback's own reply */
    bool shuffle;                        /* FastChat's order for --parallel above 1: numpy's shuffle, seed 0 */
};

/* Looks up in the journal what is done already. Two of the same match (a model listed twice) are one. NULL: err (usage: a reference is
 * missing). */
struct grader *grader_create(const struct grader_opts *o, struct err *err);
void grader_destroy(struct grader *g);

/* Take over the verdicts of a judgment file (of repeat r) that the journal knows nothing of, FastChat's or those of an older run: where a
 * line's prompt is word for word what would be asked, its text is the reply, read as any other; it goes into the journal, at no cost.
 * Constrained verdicts are of another kind and are not taken from texts. A file that is not there holds none. Before the first
 * grader_next(). -1: err (io; format, also of a file with judgments of the other kind, which grader_write() would refuse). */
struct grader_taken {
    long taken;                          /* judgments */
    long reread;                         /* of them, those whose line says another verdict than its text does */
    long left; /* lines with a verdict of other answers or prompts, or a second one of the same, which grader_write() replaces */
};
int grader_take_over(struct grader *g, int repeat, const char *path, struct grader_taken *count, struct err *err);

/* The next call whose answers are there and which the journal has not finished; valid until the next call of this. NULL: none right now
 * (calls_left tells whether more will come). Failed answers need no call: they become JUDGMENT_NO_ANSWER. */
const struct call *grader_next(struct grader *g);
/* A call came back: journal it and judge it; it is safe once grader_flush() has returned 0, which many that came together share. What is
 * finished already is left alone; of a call that failed a later success counts.
 * A reply that its token limit cut counts if its verdict is in the part that came. -1: err (format: no call of this key and content is
 * asked here, and nothing is journalled). */
int grader_take(struct grader *g, const struct call_record *r, struct err *err);
/* What a batch's reply (batch.h) is to these judgments: of no call here; of one whose prompt was another then; of one that is finished; of
 * one that is still to be made. */
enum batch_reply { BATCH_STRANGE, BATCH_OLD_PROMPT, BATCH_MERGED, BATCH_WANTED };
enum batch_reply grader_batch_reply(const struct grader *g, const char *id);
/* Put what was taken on disk. -1: err (io). */
int grader_flush(struct grader *g, struct err *err);
/* Answers to a question arrived: look again at what was not ready of it. */
void grader_wake(struct grader *g, int64_t question_id);
/* No more answers will come: what waits for one has none (JUDGMENT_NO_ANSWER), so that nobody waits for it. */
void grader_close(struct grader *g);

struct grader_now {
    long total, done, failed;            /* judgments: one per match and repeat; failed: of the done ones those whose status is not ok */
    long calls_left;                     /* not yet handed out */
    long by_status[JUDGMENT_STATUSES];
    long no_reference;                   /* of no_answer: judgments whose reference failed when it was made */
    long empty;                          /* judgments with an answer of no text at all to the judged turn, which is judged like any other */
    struct call_totals paid;             /* for the calls of these judgments, by this run and earlier ones */
};
struct grader_now grader_now(const struct grader *g);

/* The line FastChat prints when a match is judged ("question: 81, turn: 1, model: M, score: 6, judge: (...)"), of judgments that were made
 * since grader_create(); the next one, or NULL. Valid until the next call of this. */
const char *grader_line(struct grader *g);

/* Write the judgments of repeat r (1-based) into FastChat's file: lines of other keys stay as they are, byte for byte, in their order; of
 * the same key (question, models, judge, prompt, turn) the new one takes the place of the first and further ones go; new ones follow in
 * the order of the matches. What is not ok is written with score -1 or winner "error", which FastChat does not count, and with the judge's
 * text, or $ERROR$ where there is none. A call that failed does not displace a line that judges the same prompt. Write and rename. -1: err
 * (io, format). */
int grader_write(struct grader *g, int repeat, const char *path, struct err *err);

#endif
