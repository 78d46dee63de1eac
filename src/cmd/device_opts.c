/* device_opts.c - what to compute on. The names are FastChat's, and a "GPU" of the CPU is a part of a rank's cores, or a rank. */
#include "device_opts.h"

#include <string.h>

int device_opts_rows(struct rig_devices *d, struct opt *table)
{
    d->per_model = 1;
    const struct opt rows[] = {
        { "device", OPT_CHOICE, &d->device, NULL, DEVICES, "what computes: GPUs, the CPU, or GPUs where there are any (auto)" },
        { "num-gpus-per-model", OPT_INT, &d->per_model, NULL, "N",
          "GPUs that a model is spread over: 1, 2, 4 or 8; on the CPU parts of a rank's cores, or ranks (1)" },
        { "num-gpus-total", OPT_INT, &d->total, &d->given_total, "N",
          "GPUs of all models together; a rank drives all of its model, or one (what the ranks can drive)" },
        { "matmul", OPT_CHOICE, &d->matmul, NULL, MATMULS, "products on a GPU by own kernels, or by NVIDIA's cuBLASLt (own)" },
        { "max-gpu-memory", OPT_SIZE, &d->bytes, NULL, "SIZE", "most that the weights on a GPU may take, such as 13GiB" },
    };
    memcpy(table, rows, sizeof rows);
    return sizeof rows / sizeof *rows;
}

int device_opts_check(const struct rig_devices *d, struct err *err)
{
    if (d->device == DEVICE_CPU && d->matmul != MATMUL_OWN)
        return err_set(err, ERR_USAGE, "--matmul cublas: is for GPUs, and --device cpu is given; leave one of them out");
    return placement_flags(d->per_model, d->given_total, d->total, err);
}
