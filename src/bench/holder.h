/* holder.h - who writes a journal, for whoever comes second (room: bench, private): PATH.holder, a symbolic link that leads nowhere and
 * says it in its name, "process 4711 at 882211 on n2, job 812_5, start 1". A link is made as a whole or not at all, by one of several at
 * once, on every file system that has them, and takes no room on a full disk. It goes with its writer; one that was killed leaves it. */
#ifndef MTB_HOLDER_H
#define MTB_HOLDER_H

#include <stdbool.h>

struct holder {
    long process;
    unsigned long long born;             /* clock ticks from the machine's start to the process's; 0: unknown */
    char host[256], job[48];             /* job: as jobname.h has it; "": none */
    long start;                          /* of a requeued job, from 1 */
    double age;                          /* seconds since it said so, by the file system's clock; of this process 0 */
};

enum holder_state { HOLDER_GONE, HOLDER_LIVES, HOLDER_ELSEWHERE };     /* elsewhere: on another machine, where nobody can look */

void holder_own(struct holder *h);
/* What stands beside the journal. False: nothing, or not a holder's words. */
bool holder_read(const char *path, struct holder *h);
/* Say that this process writes it, in place of what is said so far; best effort, the lock counts. */
void holder_put(const char *path);
/* Take the word back, if it is this process's. */
void holder_drop(const char *path);
/* Does it still run? What this very job left behind at an earlier start is gone. */
enum holder_state holder_state(const struct holder *h);
bool holder_is_own(const struct holder *h);
/* "process 4711 on n2, task 5 of array 812". */
const char *holder_words(const struct holder *h, char text[400]);
/* The words of the link, and back. Pure. */
void holder_format(const struct holder *h, char text[512]);
bool holder_parse(const char *text, struct holder *h);

#endif
