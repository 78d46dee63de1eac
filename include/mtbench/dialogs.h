/* dialogs.h - the conversations of a bench with a model somewhere else: what to ask next, and what came (room: answer).
 * A turn is a call; its journal says what is done, so that a finished call is never asked again. A conversation goes on when its turn
 * before has an answer, and ends at one that has none: that is a failure, not an answer. No network here: whoever drives it moves calls
 * and records. */
#ifndef MTB_DIALOGS_H
#define MTB_DIALOGS_H

#include "mtbench/call.h"
#include "mtbench/question.h"

struct dialogs_opts {
    const struct questions *questions;   /* kept by the caller, as all of these */
    const char *model;                   /* names the calls: another model's are others */
    const char *system;                  /* system message; "" sends none */
    int n_choices;
    double temperature;                  /* of all questions; negative: each its own */
    int max_tokens;                      /* per turn */
    struct call_journal *journal;
};

struct dialogs;

/* Takes over what the journal has. NULL: err (usage), the journal answers a question that reads otherwise. */
struct dialogs *dialogs_create(const struct dialogs_opts *o, struct err *err);
void dialogs_destroy(struct dialogs *d);

/* The next call, valid until the next of these functions; NULL: nothing can be asked before something comes. Conversations that are under
 * way go first, then questions in file order, so that one call at a time asks in FastChat's order. */
const struct call *dialogs_next(struct dialogs *d);

struct dialogs_turn { int64_t question_id; int choice, turn; };
/* What came of a call; into the journal first. 'turn' (may be NULL) gets which one it was. -1: err (io: not on disk; format: nobody
 * asked). */
int dialogs_take(struct dialogs *d, const struct call_record *r, struct dialogs_turn *turn, struct err *err);

struct dialogs_now {
    long total, done, failed; /* turns; failed: calls that ended without an answer, without the turns that they kept from being asked */
    long resumed;                        /* of 'done': from the journal */
    long open;                           /* conversations that are not at an end */
    long thoughtful;                     /* of 'done': answers whose thoughts are in the journal only */
    long by_status[CALL_FAILED + 1];     /* of the turns that ended, by enum call_status */
    struct call_totals paid;             /* for the calls of these conversations, by this run and earlier ones */
    int64_t tokens;                      /* generated since the start, failed tries included */
};
struct dialogs_now dialogs_now(const struct dialogs *d);

/* The answer of a turn (from 1) of a choice, NULL while it has none; 'tstamp' gets when it came. */
const char *dialogs_text(const struct dialogs *d, const struct question *q, int choice, int turn, double *tstamp);

#endif
