#!/bin/bash
# TAP: started by a real Slurm of two virtual nodes, on this machine (tests/slurm/lab). `make check-slurm` has the long form.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
cluster 2
run 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "one rank, without Slurm: $want"
task -N2 -n4 --mpi=pmix -- --model-id four
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "srun -N2 -n4 --mpi=pmix: the same digest"
echo "1..$n"
exit $bad
