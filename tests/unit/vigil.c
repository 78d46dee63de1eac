/* vigil.c - processes of a node that look at each other: who dies is missed by all, who leaves in good order by nobody. */
#include "src/job/vigil.h"

#include "tap.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 4 };

static void *memory;
static int ready[2];                      /* a pipe: each child says that it sits */

/* A child that sits as number i until it hears SIGTERM, or is killed. */
static volatile sig_atomic_t told;

static void note(int sig)
{
    (void)sig;
    told = 1;
}

static pid_t sit(int i)
{
    const pid_t pid = fork();
    if (pid != 0)
        return pid;
    signal(SIGTERM, note);
    struct vigil *v = vigil_join(memory, i, N);
    if (write(ready[1], "", 1) != 1)
        _exit(1);
    while (!told)
        usleep(1000);
    vigil_leave(v);
    _exit(0);
}

static void end(pid_t pid, int sig)
{
    int status;
    kill(pid, sig);
    waitpid(pid, &status, 0);
}

int main(void)
{
    pid_t pid[N] = { 0 };
    char c;
    memory = mmap(NULL, vigil_bytes(N), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || pipe(ready) < 0)
        return 1;
    vigil_lay_out(memory, N);
    struct vigil *v = vigil_join(memory, 0, N), *other;
    ok(vigil_dead(v) == -1, "who has not come yet is not missed");
    for (int i = 1; i < N; i++)
        pid[i] = sit(i);
    for (int i = 1; i < N; i++)
        ok(read(ready[0], &c, 1) == 1, "process %d sits", i);
    ok(vigil_dead(v) == -1 && vigil_dead(v) == -1, "all live");
    kill(pid[1], SIGSTOP);
    ok(vigil_dead(v) == -1, "one that was stopped lives");
    kill(pid[1], SIGCONT);
    end(pid[1], SIGTERM);
    ok(vigil_dead(v) == -1, "one that left in good order is not missed");
    end(pid[3], SIGKILL);
    ok(vigil_dead(v) == 3 && vigil_dead(v) == 3, "one that was killed is, at every look");
    if (fork() == 0) {
        other = vigil_join(memory, 1, N);
        _exit(vigil_dead(other));
    }
    int status = -1;
    wait(&status);
    ok(status == 3 << 8, "another process misses it, too: %x", status);
    ok(vigil_dead(v) == 1, "and is missed, having ended without leaving");
    end(pid[2], SIGTERM);
    vigil_leave(v);
    vigil_leave(NULL);
    munmap(memory, vigil_bytes(N));
    return done_testing();
}
