/* comm_priv.h - what the kinds of tensor groups share (private to backend). */
#ifndef MTB_COMM_PRIV_H
#define MTB_COMM_PRIV_H

#include "mtbench/comm.h"

/* Of groups of more than one member; a kind's struct begins with a struct comm. */
struct comm_kind {
    bool (*sum)(struct comm *c, void *sum, int n_rows, int dim, bool *stop);
    bool (*gather)(struct comm *c, float *rows, int n_rows, const int first[]);
    bool (*tell)(struct comm *c, const void *data, size_t n);
    int (*hear)(struct comm *c, struct buf *b, bool wait);
    void (*fail)(struct comm *c, const struct err *why);
    int (*check)(struct comm *c, struct err *err);
    void (*close)(struct comm *c);
};

/* "member 1 of 4 ... for 120 s". */
void comm_set_lost(struct err *err, int rank, int size, double patience);

#endif
