/* watch.h - what this process is at, for a watchdog that looks on (room: base).
 * Whoever begins something that may hang says so, in the words of the user's world: "reading /models/x.safetensors". Whoever goes on in
 * something long says that it moves. Only the thread that called watch_start() is watched; from any other, and where nobody did, all this
 * does nothing. */
#ifndef MTB_WATCH_H
#define MTB_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WATCH_TEXT = 240 };

enum watch_kind {
    WATCH_WORKS,                         /* nobody but this process, or what it asks, can bring it to an end */
    WATCH_WAITS                          /* for other processes, of which one may be stuck */
};

/* What can be seen of a process, in memory of its own or shared with those that look. One writes, any look. */
struct watch_post {
    _Alignas(64) atomic_uint turn;       /* odd while it is written */
    atomic_int kind, rank;
    _Atomic int64_t process;
    _Atomic int64_t moved;               /* ms of the machine's monotonic clock */
    /* ms: how long a standstill must last to be told next; 0: the first time. Those that look agree by it */
    _Atomic int64_t told;
    _Atomic uint64_t text[WATCH_TEXT / 8];
};

struct watch_seen { enum watch_kind kind; int rank; long process; double still; char text[WATCH_TEXT]; };    /* still: seconds */

/* From here on this thread is watched, at 'post'; NULL: at a place of the process's own. May be called again with another place. */
void watch_start(struct watch_post *post, int rank);
/* The place of this process. */
struct watch_post *watch_own(void);
/* Nested; what is said last counts until its watch_end(). */
void watch_begin(enum watch_kind kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void watch_end(void);
/* What began last goes on. Cheap. */
void watch_moved(void);

/* Of any process's place; false: it is being written, look again. */
bool watch_look(struct watch_post *post, struct watch_seen *seen);

#endif
