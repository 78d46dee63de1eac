/* speed.h - how fast a model ran on a machine: what a run leaves beside its answers, for plans (room: bench).
 * One JSON line in ID.speed, replaced by each run that has seen enough steps. It holds for the same weights in the same layout only. */
#ifndef MTB_SPEED_H
#define MTB_SPEED_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>

struct speed {
    char model[65];                      /* SHA-256 of the beginnings of the model's files */
    char device[64];                     /* what computes: an instruction set of the CPU, or the name of a card */
    int threads, members;                /* of a rank; devices that a model is spread over */
    double step, row, context;           /* seconds of a step, of each row in it, of each token that a row looks back at */
    double load;                         /* seconds until the first step */
};

/* One JSON object and a newline; and back. -1: err (format). */
void speed_put(struct buf *out, const struct speed *s);
int speed_parse(const char *data, size_t n, struct speed *out, struct err *err);
/* Is it of the same model, device and layout? */
bool speed_fits(const struct speed *s, const struct speed *asked);

/* The place for an answer file: its name without ".jsonl", then ".speed". Caller frees. */
char *speed_path(const char *answer_file);

#endif
