/* gate.h - a number that some threads wait for to change (private to backend). */
#ifndef MTB_GATE_H
#define MTB_GATE_H

#include <stdatomic.h>

/* Apart: everybody reads the value, 'sleepers' is rarely written. */
struct gate {
    _Alignas(64) atomic_int value;
    _Alignas(64) atomic_int sleepers;
};

/* How long a thread waits awake: looks, and looks with others let run between them. Then it sleeps. */
struct patience { int spins, yields; };

/* Wait until the value differs from 'seen'; returns it. */
int gate_await(struct gate *g, int seen, struct patience patience);
/* The same, but sleeps at most once and not longer than that: returns 'seen' where nothing has come. */
int gate_await_for(struct gate *g, int seen, struct patience patience, double seconds);
void gate_add(struct gate *g, int n);

#endif
