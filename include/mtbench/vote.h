/* vote.h - votes: which of two models' answers somebody preferred (room: bench). */
#ifndef MTB_VOTE_H
#define MTB_VOTE_H

#include "mtbench/err.h"
#include "mtbench/map.h"

#include <stddef.h>
#include <stdint.h>

enum vote_winner { VOTE_A, VOTE_B, VOTE_TIE };

struct vote {
    int64_t question_id;
    int32_t model_a, model_b;            /* names; model_a comes first in the order of their code points, 'winner' says so */
    int32_t judge;                       /* name */
    uint8_t turn, winner;
};

struct votes {
    struct vote *v;                      /* in file order */
    size_t n, cap;
    char **name;                         /* (n_names) owned; equal names, equal numbers */
    int n_names;
    struct map names;                    /* the reader's: numbers of names */
    long failed;                         /* pair judgments with a game that gave no verdict: no vote */
};

/* Append the votes of a file: a JSON array of objects, or an object a line. An object is a vote (question_id, model_a, model_b, winner,
 * judge, turn; the winner is model_a, model_b or a text with "tie" in it), or a pair judgment as FastChat writes it (two equal games are a
 * vote, two that differ a tie).
 *
 * Judges are put into classes, as FastChat's compute_agreement does: "expert..." is human, "author..." is author, ["gpt-4", "pair..."] is
 * gpt4-pair. Other lists become "JUDGE-pair" (the prompt's name up to its first dash), other names stay; _ reads as - in them.
 * -1: err (io; format with file and line or element). */
int votes_read(struct votes *votes, const char *path, struct err *err);
int votes_parse(struct votes *votes, const char *name, const char *data, size_t n, struct err *err);
/* The number of a name, or -1. */
int32_t votes_name(const struct votes *votes, const char *name);
void votes_free(struct votes *votes);

#endif
