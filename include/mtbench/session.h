/* session.h - an engine spoken to in texts: prompts in, cleaned texts out, many turns in one batch (room: answer). Local.
 * What every user of a model needs between its prompt and its text is here once: stop tokens and stop strings, decoding, cleaning, the
 * clock. Pull: begin turns, step, collect. Knows nothing of questions, judges, ranks or files. */
#ifndef MTB_SESSION_H
#define MTB_SESSION_H

#include "mtbench/engine.h"
#include "mtbench/prompt.h"

struct session;

struct session_opts {                    /* all of these outlive the session */
    struct engine *engine;
    const struct tokenizer *tokenizer;
    const struct chat *chat;
    const int32_t *stop_id;              /* (n_stop) tokens that end a turn */
    int n_stop;
    int max_turns;                       /* at a time, >= 1 */
    bool past_thoughts;                  /* stop strings end what follows a model's thoughts, not these; for FastChat they do both */
};

struct session_turn {                    /* one that ended */
    int slot;                            /* what session_begin() returned */
    enum finish finish;
    const char *reason;                  /* why it failed (FINISH_NOT_FINITE); else NULL */
    const struct prompt *prompt;
    const char *raw;                     /* (n_raw) decoded, special tokens too */
    const char *text;                    /* (n_text) of it what is kept; a NUL stands behind both */
    size_t n_raw, n_text;
    const int32_t *token;                /* (n_new) generated */
    int n_new, n_reused;                 /* how many; prompt tokens that were not computed again */
    double seconds;                      /* since session_begin() */
};

struct session *session_create(const struct session_opts *o);
/* Drops what is not collected. NULL is fine. */
void session_destroy(struct session *s);

/* How many more turns fit now. A turn holds its place until session_collect() has given it. */
int session_room(const struct session *s);
/* Begin a turn; there must be room. Takes 'p' over and leaves it empty. Returns its slot (0 .. max_turns - 1), -1: err as engine_submit(),
 * and 'p' stays the caller's. 'how' names the random stream. */
int session_begin(struct session *s, struct prompt *p, int max_new, const struct sampling *how, struct err *err);
/* Run one engine step and look for stop strings. Returns the number of turns that hold a place; -1: err (device), as
 * engine_step(). */
int session_step(struct session *s, struct err *err);
/* The next turn that ended, in order of their ends, valid until the next call of any of these; NULL: none. Those that were cancelled are
 * not among them. */
const struct session_turn *session_collect(struct session *s);
/* End all turns; those that had ended before can still be collected. */
void session_cancel(struct session *s);

#endif
