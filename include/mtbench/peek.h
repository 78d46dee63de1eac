/* peek.h - what a model would see, and what it would say next (room: campaign). Local. Each prompt becomes a line of JSON: "prompt" (the
 * rendered text), "ids", "stop_ids", and with 'top' "top" ([id, logit], best first, ties by lowest id) and "top_texts". With
 * 'greedy' "greedy" has as many at each of the next places, each behind the best token of the one before, with "spread", the standard
 * deviation of all logits there, and "greedy_text" what those tokens say, up to one that ends the answer. Where two devices part, it shows
 * whether the two tokens are near a tie. */
#ifndef MTB_PEEK_H
#define MTB_PEEK_H

#include "mtbench/opts.h"
#include "mtbench/rig.h"

#include <stdio.h>

struct peek {
    const struct rig *rig;               /* open; started if 'top' */
    FILE *out;
    long top;                            /* so many next tokens; 0: none */
    long greedy;                         /* so many places; 0: none */
    /* for peek_question() */
    const char *bench_name, *data_dir;
    long question, turn;                 /* turn from 1 */
    struct opt_list answer;              /* to the turns before it ... */
    const char *answer_file;             /* ... or a file that has them in its choice 0; NULL */
    /* for peek_lines() */
    const char *messages;                /* file of JSON lists of {role, content}; NULL: */
    const char *text;                    /* file of JSON strings, tokenised as they are; no "prompt" and "stop_ids" then */
};

/* The prompt of a turn of a question. -1: err (usage, io, format). */
int peek_question(const struct peek *o, struct err *err);
/* A prompt for each line. -1: err, with the line; what came before it is written. */
int peek_lines(const struct peek *o, struct err *err);

#endif
