/* origin.h - where answers and judgments come from: what the journals and manifests beside their files tell (room: report, its pages' own).
 * Folders of FastChat's have neither. What nobody recorded is NULL, "" (hashes), -1 (counts) or NAN (other numbers), and whoever shows it
 * says "not recorded". Nothing is locked or written; a journal that cannot be read is as good as none, and 'trouble' says why. */
#ifndef MTB_ORIGIN_H
#define MTB_ORIGIN_H

#include "mtbench/call.h"
#include "mtbench/game_key.h"
#include "mtbench/map.h"

#include <stdbool.h>
#include <stdint.h>

/* An entry of a manifest: "sampler", "top_k 50, top_p 1", identity: answers depend on it. */
struct origin_fact { char *name, *value; bool identity; };
struct origin_facts { struct origin_fact *fact; int n; };
/* NULL: not recorded. */
const char *origin_fact(const struct origin_facts *f, const char *name);

/* ---- answers ---- */

/* The last word on a turn: the record that is ok, else the last one. */
struct origin_turn {
    int64_t question_id;
    int choice, turn;                    /* turn: from 1 */
    bool ok;
    const char *status;                  /* "ok", "failed", "too_long"; of a server's also "filtered", "refused", "truncated"; static */
    char *reason;                        /* of a failure */
    char *finish;                        /* "stop", "length", "context", or the server's word */
    bool cut;                            /* it ran into the token limit */
    int records;                         /* how often it was made: 1, and one for each failure before */
    char prompt_sha256[65], question_sha256[65];         /* of the rendered prompt's text; of the question's line */
    int64_t n_prompt, n_new, n_reused;   /* tokens */
    double temperature, top_p, min_p, repetition_penalty;
    int top_k;
    char *sent;                          /* of a server's: the JSON of the parameters that were sent, instead of the five above */
    char *server_model;                  /* how it named itself */
    double cost;                         /* US dollars */
    double seconds, tstamp, energy_j;
    int rank;
};

enum origin_kind {
    ORIGIN_NONE,                         /* no journal, or one that cannot be read */
    ORIGIN_TURNS,                        /* `answer` and `run` made them */
    ORIGIN_CALLS                         /* `api-answer` did */
};

struct origin {
    enum origin_kind kind;
    struct origin_facts facts;           /* of the journal's first line; of ID.manifest where there is no journal */
    struct origin_turn *turn;            /* (n) by question, choice, turn */
    int n;
    char *journal;                       /* path */
    char *trouble;                       /* why the journal, or the manifest, cannot be read */
};

/* Of the answers in this file, FOLDER/ID.jsonl, which need not be there itself. origin_free() releases it. */
void origin_read(struct origin *o, const char *answer_file);
void origin_free(struct origin *o);
/* NULL: not recorded. */
const struct origin_turn *origin_find(const struct origin *o, int64_t question_id, int choice, int turn);

/* ---- judgments ---- */

/* The last word on a judge's game, as above. */
struct origin_call {
    bool ok;
    const char *status;                  /* call_status_name() */
    char *reason, *finish;
    char *server_model;                  /* how the server named the model that replied */
    char *stand_in;                      /* the fallback that replied in the judge's place */
    char *sent;                          /* JSON of the parameters */
    int64_t tokens_in, tokens_out;
    bool tokens_estimated;
    double cost, seconds, tstamp, expected_score;
    int tries, records;
    int journal;                         /* into origin_calls.journal */
};

struct origin_journal {
    char *name;                          /* "gpt-4_single.journal" */
    struct origin_facts facts;
    struct call_totals totals;           /* of all its calls, superseded ones too: what was paid */
    char *trouble;
};

struct origin_calls {
    struct origin_call *call;
    size_t n;
    struct map by_key;
    struct origin_journal *journal;      /* (n_journals) by name */
    int n_journals;
};

/* All journals in DATA/BENCH/model_judgment, canaries' left out; a folder that is not there has none. origin_calls_free() releases it. */
void origin_calls_read(struct origin_calls *c, const char *data_dir, const char *bench);
void origin_calls_free(struct origin_calls *c);
/* The call that a judgment came from; game 1 where an answer is judged alone. 'asked': the judge whose file it lies in, for those of a
 * fallback; may be NULL. NULL: not recorded. */
const struct origin_call *origin_calls_find(const struct origin_calls *c, const struct game_name *game, const char *asked);
/* The call for a judgment of one answer that is in no file, whichever prompt it had; game->prompt is not read. A failed one, where there
 * is one. */
const struct origin_call *origin_calls_single(const struct origin_calls *c, const struct game_name *game, const char *asked);

#endif
