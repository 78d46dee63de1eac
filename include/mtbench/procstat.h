/* procstat.h - what Linux tells of a process of this machine, whoever's it is (room: base). Source: proc(5), /proc/PID/stat. */
#ifndef MTB_PROCSTAT_H
#define MTB_PROCSTAT_H

struct procstat {
    char state;                          /* R, S, D, T, Z ...; '?': no such process, or no /proc */
    unsigned long long born;             /* clock ticks from the machine's start to the process's; 0: unknown */
};

struct procstat procstat_of(long process);
/* Pure: of the file's text, which ends in a NUL. */
struct procstat procstat_parse(const char *text);

#endif
