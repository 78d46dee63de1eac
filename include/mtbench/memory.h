/* memory.h - what a process may still take of the machine's memory, and what it has taken at most (room: base). Local. */
#ifndef MTB_MEMORY_H
#define MTB_MEMORY_H

#include <stdint.h>

/* Bytes that this process could still use without swapping: what the machine has, or what its control group and those above leave. */
uint64_t memory_available(void);
/* Bytes of memory that the machine has; 0: unknown. */
uint64_t memory_total(void);
/* The most that was ever resident of this process, shared pages included; 0: unknown. */
uint64_t memory_peak(void);

/* The pure core: 'groups' is the text of /proc/self/cgroup, 'root' where control groups are mounted (versions 1 and 2). UINT64_MAX: no
 * limit. Page cache counts as free, since the kernel gives it up first. */
uint64_t memory_group_room(const char *root, const char *groups);

#endif
