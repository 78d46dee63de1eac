/* grader_priv.h - what a grader is made of, for grader.c and record.c. */
#ifndef MTB_GRADER_PRIV_H
#define MTB_GRADER_PRIV_H

#include "mtbench/game_key.h"
#include "mtbench/grader.h"
#include "mtbench/map.h"
#include "mtbench/verdict.h"

enum game_state { GAME_WAITING, GAME_READY, GAME_ASKED, GAME_DONE };     /* waiting: for answers */

/* One call: a game of a match, in one repeat. */
struct game {
    char key[CALL_KEY_MAX + 1];
    enum game_state state;
    enum judgment_status status;         /* when done */
    uint64_t content;
    struct verdict verdict;
    const char *text;                    /* the judge's, in the journal; NULL: there is none */
    const char *judge;                   /* a fallback's name, in the journal; NULL: the judge itself replied */
    double tstamp;
};

/* One judgment: the game or the two games of a match in one repeat. Number u: repeat u / n_matches + 1, match u % n_matches. */
struct grader {
    struct grader_opts o;
    int n_games, n_units;                /* per judgment; of judgments */
    struct game *game;                   /* (n_units * n_games) */
    bool *twin;                          /* (n_units) the same as an earlier one, which stands for it */
    int *slot;                           /* (n_slots) hash of keys: game + 1 */
    size_t n_slots;
    int *order;                          /* (n_matches) the order of asking */
    int *place;                          /* (n_matches) where 'order' has a match */
    int *ready, n_ready;                 /* a heap of places of games that can be asked, the least on top */
    struct map first_of;                 /* question to the first of its matches */
    int *next_of;                        /* (n_matches) the next match of the same question; -1 */
    struct grader_now now;
    int *finished, n_finished, said;     /* judgments made since the start, for their lines */
    struct buf user, line;
    struct call_message message[2];
    struct call call;
};

/* The game that this key and number stand for, or -1. */
int grader_find(const struct grader *g, const char *key);
const struct match *grader_match(const struct grader *g, int unit);
/* All its games are done; the status of the worse. */
bool grader_is_done(const struct grader *g, int unit);
enum judgment_status grader_status(const struct grader *g, int unit);
/* What the judge of a game (1, 2) sees; "" where an answer is missing. Caller frees. */
char *grader_prompt(const struct grader *g, int unit, int game);
/* A reply to a ready game that is known without asking: into the journal, and judged. */
void grader_adopt(struct grader *g, int game, const struct call_record *r);

/* Our judgment of what a line of a file of this repeat judges, or -1. A line with a fallback's name is that of the judge in whose place it
 * replied. */
int record_unit(const struct grader *g, int repeat, const struct judgment_table *t, const struct judgment_row *row);
/* Pairs or single answers, as the lines that lie in the file? -1: err (format). */
int record_same_kind(const struct grader *g, const char *path, const struct judgment_table *t, struct err *err);
double record_score(const struct grader *g, int unit);
enum winner record_winner(const struct grader *g, int unit, int game);
/* The judgment as FastChat writes it, and the line that it prints. */
void record_put(const struct grader *g, int unit, struct buf *out);
void record_line(const struct grader *g, int unit, struct buf *out);

#endif
