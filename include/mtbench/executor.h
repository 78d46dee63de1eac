/* executor.h - the executors that this build offers, and the devices that each can use here (room: backend).
 * One row of a table each; whoever computes takes a row and asks no further what it is. */
#ifndef MTB_EXECUTOR_H
#define MTB_EXECUTOR_H

#include "mtbench/ops.h"

struct executor_opts {
    int device;              /* one of devices(), from 0 */
    int max_rows;            /* most rows of a step; scratch is taken for them */
    int max_k, max_n;        /* widest input and output of a linear; 0: not known yet */
    int threads;             /* of an executor on cores; 0: one per core of this process's affinity mask */
    const int *cpu;          /* (threads) where each thread is pinned; NULL: not pinned */
    bool crowded;            /* there are more threads than cores on this machine: waiting threads yield at once and soon sleep */
    const char *isa;         /* "avx512", "avx2", "plain"; NULL: MTBENCH_ISA from the environment, else the best this machine has */
};

struct executor {
    const char *name;        /* as --device has it */
    const char *matmul;      /* the library that computes its products, as --matmul has it; NULL: own kernels */
    const struct ops *ops;
    bool node_weights;       /* packed weights are plain host memory that the ranks of a node may share; false: each device has its own */
    bool host_sums;          /* sums (ops.h) are fp32 rows in host memory, which comm_threads() and comm_mpi() add up */
    int max_rows;            /* most rows of a step that pay */
    /* How many devices this process may use; 0: none, *why says the reason and the remedy (device). Cores are one device. */
    int (*devices)(struct err *why);
    /* A name that no other device of this machine has, such as a UUID; "": unknown. NULL: the devices are cores, which are divided. */
    void (*device_id)(int device, char id[64]);
    /* Can a device read another's memory itself, not by way of the host's? NULL: the devices are cores. */
    bool (*reaches)(int device, int other);
    /* The numeric path of a device for weights of this type, for manifests: answers of two paths are not continued by each other. */
    void (*numerics)(int device, enum dtype weights, char text[64]);
    /* NULL: err (usage for an unknown instruction set, memory, device). End with close(), NULL is fine. */
    struct backend *(*open)(const struct executor_opts *o, struct err *err);
    void (*close)(struct backend *be);
    const char *(*path)(const struct backend *be);       /* which of its kernels: "avx512" */
    int (*threads)(const struct backend *be);            /* that compute; 0: not on cores */
    size_t (*scratch)(const struct backend *be);         /* bytes of memory that open() took */
    /* Time on the device, for whoever counts (wrappers.h); both NULL: an op is done when its call returns, and a clock will do. mark() puts
     * mark i, from 0 on in ascending order, behind what was asked for; between() has the seconds from mark i to mark i + 1, once drawn()
     * has waited for them. */
    void (*mark)(struct backend *be, int i);
    double (*between)(struct backend *be, int i);
};

extern const struct executor executor_cpu;
extern const struct executor executor_cuda;              /* where the build found nvcc: executor_find("cuda") knows */

extern const struct executor executor_cublas;            /* the same with cuBLASLt's products, where the build found its header */

/* By name, with its own products; NULL: this build has none of that name. */
const struct executor *executor_find(const char *name);
/* The fastest that has a device, for --device auto: the table's order. Never NULL, as the CPU is the last; *why says what the ones before
 * it lack, empty (kind 0) where this build has no other. */
const struct executor *executor_best(struct err *why);

/* The same executor with products by 'matmul': a row of its own, as its numbers are others. NULL: err (device), this build has none. */
const struct executor *executor_with(const struct executor *x, const char *matmul, struct err *err);

/* Instruction sets that were compiled in and that this machine can run, best first, separated by blanks. */
const char *executor_cpu_isas(void);

#endif
