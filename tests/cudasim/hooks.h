/* hooks.h - what a test may ask of the emulator, and set. Without a test the environment sets the same: MTB_CUDASIM="order=random seed=7
 * fill=0 eager mem=2G arch=90 driver=12040 fail_alloc=3 fail_launch=5 lose_device=9 counts". */
#ifndef MTB_CUDASIM_HOOKS_H
#define MTB_CUDASIM_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The emulated cuBLASLt: as it should be; none of its algorithms keeps a row's bits; an old release; not there; the machine's own file. */
enum cudasim_cublas { CUDASIM_CUBLAS_GOOD, CUDASIM_CUBLAS_BAD, CUDASIM_CUBLAS_OLD, CUDASIM_CUBLAS_NONE, CUDASIM_CUBLAS_REAL };

enum cudasim_order { CUDASIM_FORWARD, CUDASIM_REVERSE, CUDASIM_RANDOM };

struct cudasim_settings {
    enum cudasim_order order;     /* of threads and blocks */
    uint32_t seed;                /* of the random order */
    int fill;                     /* byte that memory holds before anybody wrote it: 0xff (NaN) or 0 */
    bool eager;                   /* streams run at once; else nothing runs until something waits for it */
    bool quiet;                   /* reports are kept for cudasim_last() alone */
    bool counts;                  /* print bytes, sectors and launches per kernel when the program ends */
    size_t device_bytes;          /* what cudaMemGetInfo calls total; before the first allocation */
    int devices;                  /* how many there are */
    bool unguarded;               /* the host is not kept out of device memory: with large models that costs more than their kernels */
    bool no_peers;                /* no card reaches another one's memory */
    bool no_driver;               /* as on a machine without a driver */
    bool stub;                    /* the driver is the toolkit's file to link with */
    int driver;                   /* CUDA release that it knows, 12040 for 12.4; 0: the runtime's */
    bool no_image;                /* no code for this device is in the program */
    int arch;                     /* 70, 75, 80, 86, 89, 90, 100, 120 */
    enum cudasim_cublas cublas;   /* good, bad, old, none, real */
    long patience;                /* accesses of a thread that meets nobody, after which it is taken for one that spins; for the checker */
    long fail_alloc;              /* the k-th allocation of device or pinned memory from here on fails; 0: none */
    long fail_launch;             /* the k-th kernel that runs from here on fails */
    long lose_device;             /* with the k-th kernel that runs from here on the device is lost */
};
struct cudasim_settings *cudasim(void);
/* One line that says what was wrong last, "" if nothing was; and how many reports there have been. */
const char *cudasim_last(void);
long cudasim_reports(void);
/* Allocations of device and pinned memory that there have been. */
long cudasim_allocations(void);
/* The state of a new process, for the next test: sticky errors, reports, allocations are forgotten. */
void cudasim_reset(void);
/* What ran so far, by kernel. */
struct cudasim_counts {
    const char *kernel;
    long launches, blocks, threads, barriers, products;
    /* of device memory; only where the checker looks at every access, and 'counts' is set */
    long bytes_read, bytes_written, sectors_read, sectors_written, requests;
};
int cudasim_kernels(struct cudasim_counts *out, int room);   /* how many there are */
void cudasim_print_counts(FILE *to);
/* The checker looks at every access of kernels in this program. */
bool cudasim_checks(void);

#ifdef __cplusplus
}
#endif

#endif
