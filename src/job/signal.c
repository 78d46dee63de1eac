/* signal.c - signals become a flag; the handler does nothing else. */
#include "mtbench/signal.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t pending;

static void note(int sig)
{
    if (pending && sig == SIGINT)
        _exit(130); /* somebody at the keyboard insists */
    if (!pending)                        /* the first stays: it is the reason */
        pending = sig;
}

void signal_install(void)
{
    /* SA_RESTART: calls into libraries go on; the loops ask for the flag between steps. */
    struct sigaction a = { .sa_handler = note, .sa_flags = SA_RESTART };
    sigemptyset(&a.sa_mask);
    sigaction(SIGTERM, &a, NULL);
    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGINT, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a failed write, with a message */
}

int signal_pending(void)
{
    return pending;
}
