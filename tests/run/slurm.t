#!/bin/bash
# TAP: started by a real Slurm of two virtual nodes, on this machine (tests/slurm/lab). `make check-slurm` has the long form.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
cluster 2
run 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "one rank, without Slurm: $want"
task -N2 -n4 --mpi=pmix -- --model-id four
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "srun -N2 -n4 --mpi=pmix: the same digest"
task -n1 --mpi=none -- --model-id alone
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(said)" -eq 0 ]; ok $? "srun -n1 without a PMI: alone, the same digest"
for pmi in none pmi2; do
    task -N2 -n4 --mpi=$pmi -- --model-id lone
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && [ "$(grep -c . "$d/err")" -le 4 ] &&
        grep -q '^mtbench: srun: started 4 tasks.*--mpi=pmix' "$d/err" && [ ! -e "$answers/lone.journal" ]
    ok $? "srun -n4 --mpi=$pmi: refused in one line, and not in one of each task"
done
echo "1..$n"
exit $bad
