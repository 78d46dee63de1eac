/* placement.c - what runs where, on clusters that we do not have. */
#include "mtbench/placement.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RANKS = 16 };

static struct placement_rank ranks[MAX_RANKS];
static char ids[MAX_RANKS][PLACEMENT_SEEN][PLACEMENT_ID], hosts[MAX_RANKS][32];

/* "a:0,1 a:0,1 b": a rank a word, its host and the names of the GPUs that it sees; "?" is one without a name; "3*a:0" three such ranks. */
static int read_ranks(const char *text)
{
    int n = 0;
    while (*text) {
        char *end;
        int times = (int)strtol(text, &end, 10);
        if (end == text || *end != '*')
            times = 1;
        else
            text = end + 1;
        const char *next = text + strcspn(text, " ");
        for (; times > 0; times--, n++) {
            const char *at = text;
            struct placement_rank *r = &ranks[n];
            size_t len = strcspn(at, ": ");
            *r = (struct placement_rank){ .node = *at, .host = hosts[n], .id = (const char (*)[PLACEMENT_ID])ids[n] };
            memcpy(hosts[n], at, len);
            hosts[n][len] = '\0';
            for (at += len; at < next; at += 1 + len) {
                len = strcspn(at + 1, ", ");
                memset(ids[n][r->n_devices], 0, PLACEMENT_ID);
                if (at[1] != '?')
                    memcpy(ids[n][r->n_devices], at + 1, len);
                r->n_devices++;
            }
        }
        text = *next ? next + 1 : next;
    }
    return n;
}

/* "0.0+2@0,1": replica, first member, how many, their devices; a rank a word. */
static const char *said(const struct placement *p, int n, bool gpu)
{
    static char text[800];
    int len = 0;
    *text = '\0';
    for (int r = 0; r < n; r++) {
        len += sprintf(text + len, "%s%d.%d+%d", r ? " " : "", p[r].replica, p[r].first, p[r].n);
        for (int i = 0; i < p[r].n && gpu; i++)
            len += sprintf(text + len, "%c%d", i ? ',' : '@', p[r].device[i]);
    }
    return text;
}

#define LONE "a"
#define FOUR "0,1,2,3"
#define EIGHT "0,1,2,3,4,5,6,7"
#define U1 "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"
#define U2 "GPU-01234567-89ab-cdef-0123-456789abcdef"
#define M1 "MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0"
#define M2 "MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/2/0"

/* What it must come to: placements, or (err) a piece of the line. */
static const struct { const char *ranks; long per_model, total; const char *want; } cpu[] = {
    { LONE, 1, 0, "0.0+1" },
    { LONE, 1, 1, "0.0+1" },
    { LONE, 2, 0, "0.0+2" },
    { LONE, 2, 2, "0.0+2" },
    { LONE, 8, 0, "0.0+8" },
    { "2*a", 1, 0, "0.0+1 1.0+1" },
    { "2*a", 1, 2, "0.0+1 1.0+1" },
    { "2*a", 2, 0, "0.0+2 1.0+2" },
    { "2*a", 2, 4, "0.0+2 1.0+2" },
    { "2*a", 2, 2, "0.0+1 0.1+1" },
    { "4*a", 2, 4, "0.0+1 0.1+1 1.0+1 1.1+1" },
    { "4*a", 4, 4, "0.0+1 0.1+1 0.2+1 0.3+1" },
    { "4*a", 2, 8, "0.0+2 1.0+2 2.0+2 3.0+2" },
    { "2*a 2*b", 2, 4, "0.0+1 0.1+1 1.0+1 1.1+1" },
    { "a b a b", 2, 4, "0.0+1 1.0+1 0.1+1 1.1+1" },
    { "a b b a", 2, 4, "0.0+1 1.0+1 1.1+1 0.1+1" },
    { "4*a 2*b", 2, 6, "0.0+1 0.1+1 1.0+1 1.1+1 2.0+1 2.1+1" },
    { "8*a", 8, 8, "0.0+1 0.1+1 0.2+1 0.3+1 0.4+1 0.5+1 0.6+1 0.7+1" },
    { LONE, 1, 8, "--num-gpus-total 8: a rank drives one device, and this job has 1 rank; start it by `mpirun -n 8`, or leave the flag "
      "out" },
    { "3*a", 2, 8, "--num-gpus-total 8: makes 4 models of 2 devices, and this job has 3 ranks; start it by `mpirun -n 4`, where a rank "
      "drives a whole model, or by `mpirun -n 8`, where it drives one device, or leave the flag out" },
    { "2*a", 4, 4, "--num-gpus-total 4: makes 1 model of 4 devices, and this job has 2 ranks; start it by `mpirun -n 1`" },
    { "2*a 2*b", 4, 4, "--num-gpus-per-model 4: 4 ranks are one model, which does not span nodes, and a has 2 ranks; start a multiple of "
      "4 on each node (mpirun --map-by ppr:4:node), or a rank for each model" },
    { "3*a b", 2, 4, "--num-gpus-per-model 2: 2 ranks are one model, which does not span nodes, and a has 3 ranks; start a multiple of 2 "
      "on each node (mpirun --map-by ppr:2:node)" },
    { "a b", 2, 2, "and a has 1 rank; start a multiple of 2 on each node (mpirun --map-by ppr:2:node), or a rank for each model" },
    { LONE, 3, 0, "--num-gpus-per-model 3: a model is cut in halves only; give 1, 2, 4 or 8" },
    { LONE, 16, 0, "--num-gpus-per-model 16: a model is cut in halves only; give 1, 2, 4 or 8" },
    { LONE, 0, 0, "--num-gpus-per-model 0: a model is cut in halves only; give 1, 2, 4 or 8" },
    { LONE, -2, 0, "--num-gpus-per-model -2: a model is cut in halves only; give 1, 2, 4 or 8" },
    { LONE, 4, 6, "--num-gpus-total 6: is not a multiple of --num-gpus-per-model 4; give 4 or 8" },
    { LONE, 4, 2, "--num-gpus-total 2: is not a multiple of --num-gpus-per-model 4; give 4 or 8" },
    { LONE, 1, 4294967297, "--num-gpus-total 4294967297: there are not so many; give at most 1048576" },
    { LONE, 2, -2, "--num-gpus-total -2: there must be at least one device; give 1 or more" },
}, gpu[] = {
    { "a:0", 1, 0, "0.0+1@0" },
    { "a:" FOUR, 1, 0, "0.0+1@0" },
    { "a:" FOUR, 2, 0, "0.0+2@0,1" },
    { "a:" FOUR, 4, 4, "0.0+4@0,1,2,3" },
    { "2*a:" FOUR, 1, 0, "0.0+1@0 1.0+1@1" },
    { "4*a:" FOUR, 1, 4, "0.0+1@0 1.0+1@1 2.0+1@2 3.0+1@3" },
    { "2*a:" FOUR, 2, 0, "0.0+2@0,1 1.0+2@2,3" },
    { "2*a:" FOUR, 2, 4, "0.0+2@0,1 1.0+2@2,3" },
    { "2*a:" FOUR, 2, 2, "0.0+1@0 0.1+1@1" },
    { "4*a:" FOUR, 2, 0, "0.0+1@0 0.1+1@1 1.0+1@2 1.1+1@3" },
    { "4*a:" FOUR, 4, 0, "0.0+1@0 0.1+1@1 0.2+1@2 0.3+1@3" },
    { "4*a:" EIGHT, 2, 0, "0.0+2@0,1 1.0+2@2,3 2.0+2@4,5 3.0+2@6,7" },
    { "a:" EIGHT " b:" EIGHT, 8, 16, "0.0+8@0,1,2,3,4,5,6,7 1.0+8@0,1,2,3,4,5,6,7" },
    { "2*a:0,1 2*b:0,1", 2, 0, "0.0+1@0 0.1+1@1 1.0+1@0 1.1+1@1" },
    { "a:0,1 b:0,1 a:0,1 b:0,1", 1, 0, "0.0+1@0 1.0+1@0 2.0+1@1 3.0+1@1" },
    { "a:" U1 " a:" U2, 1, 0, "0.0+1@0 1.0+1@0" },                                  /* srun --gpus-per-task=1 */
    { "a:" U1 " a:" U2, 2, 0, "0.0+1@0 0.1+1@0" },
    { "a:" U1 " a:" U2, 2, 2, "0.0+1@0 0.1+1@0" },
    { "a:" U1 "," U2 " a:" U2 "," U1, 1, 0, "0.0+1@0 1.0+1@0" },                    /* each its own first: as they see them */
    { "a:" U1 "," U2 " a:" U1, 1, 0, "rank 1 on a: of the 1 GPU that it sees 0 are free" },
    { "a:" U1 " a:" U1 "," U2, 1, 0, "0.0+1@0 1.0+1@1" },
    { "a:" M1 " a:" M2, 1, 0, "0.0+1@0 1.0+1@0" },                                  /* two slices of one card are two devices */
    { "2*a:" M1, 1, 0, "two ranks do not share a card; start at most 1 rank on this node (mpirun --map-by ppr:1:node), or give each "
      "cards of its own (in a job of Slurm --gpus-per-node=N shows mpirun's ranks all, --gpus-per-task one)" },
    { "2*a:?,?", 1, 0, "0.0+1@0 1.0+1@1" },
    { "a:? a:?", 1, 0, "two ranks do not share a card" },
    { "a:0 b:0", 1, 0, "0.0+1@0 1.0+1@0" },                                         /* numbers, on two nodes */
    { "2*a:0", 1, 0, "rank 1 on a: of the 1 GPU that it sees 0 are free, the others have a rank already, and two ranks do not share a" },
    { "3*a:0,1", 1, 3, "rank 2 on a: of the 2 GPUs that it sees 0 are free" },
    { "3*a:0,1", 2, 0, "rank 1 on a: of the 2 GPUs that it sees 0 are free, the others have a rank already, and two ranks do not share a "
      "card; start at most 1 rank on this node (mpirun --map-by ppr:1:node), or give each cards of its own" },
    { "a:0,1 a", 1, 0, "rank 1 on a: sees no GPU; start ranks only where there are GPUs, or use --device cpu" },
    { "a:" FOUR, 8, 0, "--num-gpus-per-model 8: the ranks on a see 4 GPUs, and a model does not span nodes; give 4, or use nodes" },
    { "a:" FOUR " b:" FOUR, 8, 16, "--num-gpus-per-model 8: the ranks on a see 4 GPUs, and a model does not span nodes; give 4" },
    { "a:0", 2, 0, "--num-gpus-per-model 2: the ranks on a see 1 GPU, and a model does not span nodes; give 1," },
    { "a:0 a:1", 2, 4, "rank 0 on a: sees 1 GPU and is to drive 2; let each rank see 2, or start a rank for each GPU" },
    { "a:" FOUR, 1, 4, "--num-gpus-total 4: a rank drives one GPU, and this job has 1 rank; start it by `mpirun -n 4`" },
    { "a:" FOUR " b:0,1", 4, 0, "--num-gpus-per-model 4: the ranks on b see 2 GPUs, and a model does not span nodes; give 2," },
};

static void check(const struct placement_job *j, const char *want, size_t row)
{
    struct placement out[MAX_RANKS];
    struct err err = { 0 };
    const int rc = placement_decide(j, out, &err);
    const bool placed = *want >= '0' && *want <= '9';
    ok(placed ? rc == 0 && !strcmp(said(out, j->n_ranks, j->gpu), want) : rc < 0 && err.kind && strstr(err.text, want),
       "%s %zu, %ld of %ld on %d ranks: %s (want %s)", j->gpu ? "gpu" : "cpu", row, j->per_model, j->total, j->n_ranks,
       rc == 0 ? said(out, j->n_ranks, j->gpu) : err.text, want);
    for (int r = 0; rc == 0 && r < j->n_ranks; r++)
        if (out[r].n_replicas * (int)j->per_model != j->n_ranks * out[0].n || out[r].size != j->per_model ||
            out[r].replica >= out[r].n_replicas)
            ok(false, "row %zu, rank %d: %d replicas of %d", row, r, out[r].n_replicas, out[r].size);
}

int main(void)
{
    struct placement_job j = { .launch = "mpirun -n" };
    struct placement out[MAX_RANKS];
    struct err err = { 0 };
    for (size_t i = 0; i < sizeof cpu / sizeof *cpu; i++) {
        j = (struct placement_job){ cpu[i].per_model, cpu[i].total, false, 0, "mpirun -n", read_ranks(cpu[i].ranks), ranks };
        check(&j, cpu[i].want, i);
    }
    for (size_t i = 0; i < sizeof gpu / sizeof *gpu; i++) {
        j = (struct placement_job){ gpu[i].per_model, gpu[i].total, true, 0, "mpirun -n", read_ranks(gpu[i].ranks), ranks };
        check(&j, gpu[i].want, i);
    }
    j = (struct placement_job){ 2, 0, true, 1, "mpirun -n", read_ranks("a:0,1"), ranks };
    ok(placement_decide(&j, out, &err) < 0 && err.kind == ERR_USAGE &&
           strstr(err.text, "at most 1 GPU in this version; give 1, or use --device cpu"),
       "an executor of one device: %s", err.text);
    j = (struct placement_job){ 2, 0, true, 0, "srun -n", read_ranks("3*a:0,1"), ranks };
    ok(placement_decide(&j, out, &err) < 0 && err.kind == ERR_DEVICE && strstr(err.text, "(srun --ntasks-per-node=1)"), "under srun: %s",
       err.text);
    j = (struct placement_job){ 1, 0, true, 0, "srun -n", read_ranks("2*a:" M1), ranks };
    ok(placement_decide(&j, out, &err) < 0 && strstr(err.text, "(srun --ntasks-per-node=1), or give each cards of its own") &&
       !strstr(err.text, "mpirun"), "nor is mpirun spoken of there: %s", err.text);
    j = (struct placement_job){ 1, 8, false, 0, "srun -n", read_ranks("a"), ranks };
    ok(placement_decide(&j, out, &err) < 0 && strstr(err.text, "start it by `srun -n 8`"), "under srun: %s", err.text);
    ok(placement_flags(2, true, 0, &err) < 0 && strstr(err.text, "--num-gpus-total 0: there must be at least one device; give 1 or more"),
       "a total of 0 that was given: %s", err.text);
    ok(placement_flags(8, false, 1, &err) == 0, "a total that was not given says nothing");
    char text[128];
    ok(!strcmp(placement_words(&(struct placement){ .size = 1, .n = 1 }, 1, 1, text), "1 rank on 1 node") &&
           !strcmp(placement_words(&(struct placement){ .size = 2, .n = 1 }, 4, 2, text), "4 ranks on 2 nodes, 2 of them a model") &&
           !strcmp(placement_words(&(struct placement){ .size = 4, .n = 4 }, 2, 1, text),
                   "2 ranks on 1 node, a model on 4 devices of each"),
       "in words: %s", text);
    return done_testing();
}
