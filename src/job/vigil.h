/* vigil.h - which processes of a node live (room: job). Each holds a robust lock in memory that all of them see: when a process dies, of
 * whatever, the system lets go of it, and whoever looks is told. */
#ifndef MTB_VIGIL_H
#define MTB_VIGIL_H

#include <stddef.h>

struct vigil;

/* Memory that the n processes share, aligned to 64 bytes. One lays it out, before any other joins. */
size_t vigil_bytes(int n);
void vigil_lay_out(void *memory, int n);
/* This process begins to be seen, as number 'mine'. The thread that joins must outlive all others of the process, and leaves, too. */
struct vigil *vigil_join(void *memory, int mine, int n);
/* A process that died before it left; -1: none. Some microseconds. */
int vigil_dead(struct vigil *v);
/* It ends in good order: nobody will miss it. NULL is fine. */
void vigil_leave(struct vigil *v);

#endif
