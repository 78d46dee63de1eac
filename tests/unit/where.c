/* where.c - which executor computes and what this process drives of it; all ranks by one arithmetic. */
#include "src/rig/where.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void places(long per_model, long total, enum device device, int want)
{
    const struct rig_devices o = { .per_model = per_model, .total = total, .device = device };
    const struct executor *x;
    struct placement p;
    struct err err = { 0 };
    const int rc = rig_place(NULL, &o, &x, &p, &err);
    ok(rc == 0 && !strcmp(x->name, "cpu") && p.n == want && p.size == want && p.n_replicas == 1 && placement_leads(&p),
       "%ld devices of %ld: this process drives %d of a model %s", per_model, total, p.n, err.text);
}

int main(void)
{
    struct where_path path[3] = { { "a", "cuda-sm90-bf16-kv16-v1, 8 shards" }, { "b", "cuda-sm90-bf16-kv16-v1, 8 shards" },
                                  { "b", "cuda-sm80-bf16-kv16-v1, 8 shards" } };
    struct err err = { 0 };
    places(0, 0, DEVICE_CPU, 1);
    places(1, 1, DEVICE_CPU, 1);
    const struct rig_devices o = { .device = DEVICE_CPU, .total = 4 };
    const struct executor *x;
    struct placement p;
    ok(rig_place(NULL, &o, &x, &p, &err) < 0 && err.kind == ERR_USAGE && strstr(err.text, "--num-gpus-total 4"), "refused: %s", err.text);
    ok(where_compare(path, 1, &err) == 0 && where_compare(path, 2, &err) == 0, "ranks of one arithmetic");
    ok(where_compare(path, 3, &err) < 0 && err.kind == ERR_DEVICE && strstr(err.text, "rank 2 on b: computes by cuda-sm80") &&
       strstr(err.text, "rank 0 on a by cuda-sm90"), "two arithmetics are refused: %s", err.text);
    const struct rig_devices open = { 0 };
    setenv("MTBENCH_DEVICE", "cpu", 1);
    ok(rig_place(NULL, &open, &x, &p, &err) == 0 && !strcmp(x->name, "cpu"), "MTBENCH_DEVICE says what is open otherwise");
    setenv("MTBENCH_DEVICE", "gpu", 1);
    ok(rig_place(NULL, &open, &x, &p, &err) < 0 && strstr(err.text, "MTBENCH_DEVICE=gpu: is none of auto, cuda and cpu"), "refused: %s",
       err.text);
    return done_testing();
}
