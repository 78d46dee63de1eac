#!/bin/bash
# Another MPI: the program built with MPICH beside the one built with Open MPI. Two ranks, the same digest, and each under the other's launcher says so.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
skip() { echo "1..0 # SKIP $1"; exit 0; }
command -v mpicc.mpich >/dev/null && command -v mpiexec.hydra >/dev/null || skip "no MPICH (Debian: mpich libmpich-dev)"
"$build/mtbench" --version | grep -q 'Open MPI' || skip "the program here is not built with Open MPI"
theirs=build/mpich/mtbench
env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s VARIANT=release B=build/mpich CC=mpicc.mpich NVCC=none $theirs >"$d/out" 2>"$d/err"
ok $? "builds with mpicc.mpich"
$theirs --version >"$d/out" 2>"$d/err"
grep -q '^mpi  *MPICH' "$d/out"; ok $? "and says so: $(grep ^mpi "$d/out" | tr -s ' \t' ' ')"
answering=(answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --quiet)
run 2 --model-id want
want=$(digest)
timeout 300 mpiexec.hydra -n 2 $theirs "${answering[@]}" --model-id hydra >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && [ ${#want} -eq 64 ] && [ "$(digest)" = "$want" ]; ok $? "two ranks of mpiexec.hydra: the digest of Open MPI's"
sed -i '$d' "$answers/hydra.journal"
timeout 300 mpiexec.hydra -n 3 $theirs "${answering[@]}" --model-id hydra >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(turns "$answers/hydra.journal")" -eq 16 ]; ok $? "three go on where two were"
timeout 300 mpiexec.hydra -n 2 "$build/mtbench" "${answering[@]}" --model-id trap >"$d/out" 2>"$d/err"
rc=$?
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'each is alone, because this mpirun belongs to another MPI' "$d/err"; ok $? "Open MPI's program under hydra: one line, exit $rc"
timeout 300 mpirun --oversubscribe -n 2 $theirs "${answering[@]}" --model-id trap >"$d/out" 2>"$d/err"
rc=$?
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'each is alone, because this mpirun belongs to another MPI' "$d/err"; ok $? "MPICH's program under Open MPI's mpirun: one line, exit $rc"
[ ! -e "$answers/trap.journal" ]; ok $? "and neither answers anything"
echo "1..$n"
exit $bad
