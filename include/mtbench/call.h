/* call.h - one question to a language model somewhere else, and what came of it; the journal of such calls (room: bench).
 * Judging and api-answer make calls; hosted servers, a local engine and batch files answer them. What came is kept per call, flushed
 * before it counts, so that no finished call is ever sent or paid for twice. */
#ifndef MTB_CALL_H
#define MTB_CALL_H

#include "mtbench/manifest.h"

#include <stdint.h>

struct call_message {
    const char *role;                    /* "system", "user", "assistant" */
    const char *content;                 /* UTF-8 */
};

enum { CALL_KEY_MAX = 55 }; /* with '-' and eight digits of the content it is the custom_id of a batch file, which has room for 64 */

/* What to ask. All strings are the caller's and are copied by whoever takes the call. */
struct call {
    const char *key; /* names the call for ever: in the journal, in batch files: [A-Za-z0-9_-], at most CALL_KEY_MAX bytes */
    uint64_t content;                    /* hash of messages and parameters: a changed prompt is another call */
    const struct call_message *message;
    int n_messages;
    double temperature;
    int max_tokens;
    int verdict;                         /* the form of verdict to force, enum verdict_format of judge_prompt.h; -1: free text */
    bool cut_is_fine; /* a text that the token limit cut is an answer (ok); otherwise it is asked for once more with twice the limit */
};

enum call_status {
    CALL_OK,                             /* a text came, whole */
    CALL_TRUNCATED,                      /* the token limit cut it (after one try with twice the limit), or nothing but thinking came */
    CALL_FILTERED,                       /* a content filter stood in the way */
    CALL_REFUSED,                        /* the model said that it will not */
    CALL_TOO_LONG,                       /* prompt and limit do not fit the model's context */
    CALL_FAILED                          /* transport, server or reply: 'reason' says what, after the tries that make sense */
};

/* What came. Strings live as long as the holder says (journal: until it closes; transports: until the next collect). */
struct call_record {
    const char *key;
    uint64_t content;
    enum call_status status;
    const char *reason;                  /* NULL when ok */
    const char *text;                    /* the reply without thinking; "" if none came */
    const char *raw;                     /* the whole reply text where it differs from 'text', else NULL */
    const char *model;                   /* as the server named it; NULL unknown */
    const char *judge;                   /* who replied in the place of the one that was asked: a fallback's name; NULL: nobody did */
    const char *request_id;              /* the server's; NULL unknown */
    const char *finish;                  /* why the text ended, in the server's word ("stop", "length", "end_turn", ...); NULL unknown */
    const char *sent;                    /* JSON object of the parameters that were really sent: {"temperature": 0, "max_tokens": 2048} */
    int64_t tokens_in, tokens_out;       /* over all tries that were answered */
    bool tokens_estimated;               /* the server did not bill: our own count */
    double cost;                         /* US dollars over all tries, -1: no price known */
    int tries;
    double seconds;                      /* from the first try to the end */
    double tstamp;                       /* seconds since the epoch, at the end */
    double expected_score;               /* of a constrained local judge: the mean over its digit probabilities; NaN otherwise */
};

const char *call_status_name(enum call_status s);

/* A call with strings of its own, for who takes it in. */
struct call call_copy(const struct call *c);
void call_copy_free(struct call *c);

/* Is this text fit to be a key? */
bool call_key_ok(const char *key);

/* FNV-1a over roles, contents, temperature and limit: the 'content' of a call. */
uint64_t call_content(const struct call *c);

struct call_journal;

/* Open or create, lock against a second run, replay; a torn last line is cut off. What is identity in the manifest is compared with the
 * journal's; the rest describes the run for people: every call carries the hash of its content. NULL: err (busy, usage: made otherwise,
 * format, io). */
struct call_journal *call_journal_open(const char *path, const struct manifest *m, struct err *err);
/* Look at a journal without writing or locking it, for call_journal_find(), call_journal_each() and call_journal_totals(). One that is not
 * there is empty. NULL: err (format, io). */
struct call_journal *call_journal_peek(const char *path, struct err *err);
void call_journal_close(struct call_journal *j);
/* The finished call of this key and content: ok, or ended in a way that asking again cannot better (filtered, refused, too long,
 * truncated). NULL: it has to be asked; a call that failed is asked again. Of several the last one counts. */
const struct call_record *call_journal_find(const struct call_journal *j, const char *key, uint64_t content);
/* The last finished call of this key, whatever its content; NULL: none. */
const struct call_record *call_journal_last(const struct call_journal *j, const char *key);
/* All records in the order of the file, superseded ones too. 'counts': call_journal_find() gives this one. The record lives during the
 * call. A result other than 0 ends it and is returned. */
int call_journal_each(const struct call_journal *j, int (*see)(void *ctx, const struct call_record *r, bool counts), void *ctx);
size_t call_journal_records(const struct call_journal *j);
/* Has another judge of this name ever replied to the call of this key, whatever its content? */
bool call_journal_stood_in(const struct call_journal *j, const char *key, const char *judge);
/* Take a record in (copied); it counts once call_journal_sync() has returned 0: many that came at once share one flush. */
void call_journal_add(struct call_journal *j, const struct call_record *r);
/* Write and flush what was added. -1 (err: io, busy): that is not on disk; earlier records are safe. -1 (err: format): a record that was
 * added once would not read back, and is missing; a reply is never dropped without a word. */
int call_journal_sync(struct call_journal *j, struct err *err);
/* Both. */
int call_journal_append(struct call_journal *j, const struct call_record *r, struct err *err);
/* Sums over records, superseded ones too: what was paid. 'seconds' is of calls, which overlap. */
struct call_totals { int64_t calls, tokens_in, tokens_out, estimated, unpriced; double cost, seconds; };
void call_totals_add(struct call_totals *t, const struct call_record *r);
/* "$ 0.0123"; "$ unknown" where no call has a price, "at least" where some have none; then, where 'all' (of the journal) has more calls,
 * what those come to. */
void call_totals_put(struct buf *b, const struct call_totals *t, const struct call_totals *all);
/* Of all records of the journal, and of those whose keys are 'mine'. */
struct call_totals call_journal_totals(const struct call_journal *j);
struct call_totals call_journal_share(const struct call_journal *j, bool (*mine)(const void *ctx, const char *key), const void *ctx);

/* One JSON line without its newline, and back: record and strings are one block, free() it. NULL: err (format). */
void call_record_put(struct buf *b, const struct call_record *r);
struct call_record *call_record_parse(const char *line, size_t n, struct err *err);

#endif
