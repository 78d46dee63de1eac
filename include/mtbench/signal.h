/* signal.h - signals become a flag that the loops look at (room: job). */
#ifndef MTB_SIGNAL_H
#define MTB_SIGNAL_H

/* SIGTERM, SIGUSR1, SIGINT set the flag (a second SIGINT ends the process at once); SIGPIPE is ignored. job_start() calls this;
 * verbs that run without a job may call it themselves. */
void signal_install(void);
/* The first signal that came, or 0. Async-signal-safe. */
int signal_pending(void);

#endif
