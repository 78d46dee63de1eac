/* comm.h - a tensor group as one of its members sees it (room: backend).
 * The members hold shares of one model and compute the same step side by side; what each has only a part of is brought together here, and
 * every member gets the same bits. Ops never know of it.
 *
 * A member alone returns at once from everything. With others the calls are collective, in the same order on all members; each waits
 * politely (some looks, then naps that grow) and at most as long as the group's patience, in which the whole program's being stopped does
 * not count. A member that cannot go on says so (comm_fail()): the others leave what they wait in. False or -1 then, now and ever after;
 * comm_check() has the reason.
 *
 * The groups here are those of executors whose sums are fp32 rows in host memory; one that keeps them otherwise brings its own. */
#ifndef MTB_COMM_H
#define MTB_COMM_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>

enum { COMM_MAX = 8 };                /* members of a group */
enum { COMM_PATIENCE = 120 };         /* seconds */

struct comm {
    int rank, size;
    const struct comm_kind *kind;
};

struct comm_opts {
    bool crowded;                     /* others need the cores that these members wait on */
    double patience;                  /* seconds; 0: COMM_PATIENCE. Members are in step: one that is missing for longer is lost */
    void (*waiting)(void *ctx);       /* called now and then while a rank waits for others, on its thread; NULL: nothing is */
    void *ctx;
};

/* Time that was spent waiting. What lies between two looks counts as a second at most: a program that was stopped did not wait. */
struct comm_wait {
    double last, waited;                  /* seconds; of clock_now(), 0: the wait begins */
    double longer;                        /* part of the patience that is waited beyond it */
};
/* Count the time since the last look. True: the patience is at its end. */
bool comm_out_of_patience(struct comm_wait *w, const struct comm_opts *o);

/* A member that is alone. */
extern struct comm comm_self;
/* The members of one process, each called by a thread of its own: member[size], ended by comm_close() each. -1: err (memory). */
int comm_threads(struct comm *member[], int size, const struct comm_opts *o, struct err *err);
/* One of the ranks of an MPI communicator, to which 'mpi_comm' points. Collective over them, as is comm_close(); all calls come from the
 * thread that started MPI. NULL: err (device). */
struct comm *comm_mpi(const void *mpi_comm, const struct comm_opts *o, struct err *err);
/* When no member is in a call any more. NULL and the member that is alone are fine. */
void comm_close(struct comm *c);

/* 'sum' (ops.h: n_rows, dim), of which each member has its part, becomes on all of them the sum of all parts by the balanced tree over the
 * members, ((0+1)+(2+3))+((4+5)+(6+7)): the bits are those of a member alone. *stop becomes true where any member has it so, by which all
 * leave a step at one place; groups of executors that are not synchronous leave it as it is. */
bool comm_sum(struct comm *c, void *sum, int n_rows, int dim, bool *stop);
/* Bring columns together at member 0, where 'rows' is (n_rows, first[size]) with columns [0, first[1]) in place; on member r it is
 * (n_rows, first[r + 1] - first[r]). */
bool comm_gather(struct comm *c, float *rows, int n_rows, const int first[]);

/* Member 0: a message for all others, who get them in order. Waits only where they are several messages behind. */
bool comm_tell(struct comm *c, const void *data, size_t n);
/* The others: the next message. 1: it is in 'b'; 0: none yet; -1: the group has failed. 'wait': until there is one, however long. */
int comm_hear(struct comm *c, struct buf *b, bool wait);

/* This member cannot go on, for this reason. The first reason of any stands. Not collective. */
void comm_fail(struct comm *c, const struct err *why);
/* -1: the group has failed, err says of what. Local. */
int comm_check(struct comm *c, struct err *err);

#endif
