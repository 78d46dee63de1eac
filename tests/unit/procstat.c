/* procstat.c - the state and the birth of a process, from the text of /proc/PID/stat and of a child that lives, stops and is gone. */
#include "mtbench/procstat.h"
#include "tap.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIELDS " 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 8822110 20 21"

static const struct { const char *what, *text; char state; unsigned long long born; } texts[] = {
    { "as usual", "47 (mtbench) S" FIELDS, 'S', 8822110 },
    { "a name with blanks and brackets", "47 (a) S 1 (b) T" FIELDS, 'T', 8822110 },
    { "cut behind the state", "47 (mtbench) D", 'D', 0 },
    { "cut behind the name", "47 (mtbench)", '?', 0 },
    { "no bracket", "47 mtbench S" FIELDS, '?', 0 },
    { "nothing", "", '?', 0 },
};

int main(void)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const struct procstat p = procstat_parse(texts[i].text);
        ok(p.state == texts[i].state && p.born == texts[i].born, "%s: %c, %llu", texts[i].what, p.state, p.born);
    }
    int status;
    const struct procstat own = procstat_of(getpid());
    ok(own.state == 'R' && own.born > 0, "this process runs: %c", own.state);
    const pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    const struct procstat stopped = procstat_of(child);
    ok(stopped.state == 'T' && stopped.born >= own.born, "a child that is stopped: %c", stopped.state);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    ok(procstat_of(child).state == '?' && procstat_of(child).born == 0, "and is gone");
    return done_testing();
}
