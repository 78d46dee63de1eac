/* folderprobe.h - what a folder can do: is it there, may one write, how fast, are there locks, how much room (room: base). Local. */
#ifndef MTB_FOLDERPROBE_H
#define MTB_FOLDERPROBE_H

#include <stdbool.h>
#include <stdint.h>

struct folderprobe {
    char path[256];                      /* "": nobody asked */
    bool there, writable;                /* of one that is not there: could it be made? */
    bool locks, links;                   /* record locks between processes; symbolic links */
    char system[16];                     /* "nfs", "lustre", "ext4" ...; a number in hex where the name is not known */
    char why[96];                        /* what the system said where it is not writable, or has no locks */
    double megabytes_per_second;         /* of a file that was written and flushed */
    double flush;                        /* seconds that the flush of a single line took */
    double clock_ahead;                  /* seconds that the stamp of a file that was just written lies ahead of this machine's clock */
    uint64_t room;                       /* bytes that this user may still write */
};

/* Writes some megabytes into a file of its own in there, for a second at most, and removes it; a folder that is not there is not made. */
void folderprobe(const char *path, struct folderprobe *out);

#endif
