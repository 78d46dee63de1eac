#!/bin/bash
# What MPI is asked for and what it gets to see: threads compute and read, only the first one of a rank ever calls MPI; an MPI that grants less is
# refused; and from a rank that aborts nothing is sent any more.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
witness=$PWD/$build/tests/mpi_witness.so
# seen RANKS FLAGS...: `mtbench answer` with the witness in each rank, its lines in $d/seen
seen() {
    local ranks=$1
    shift
    rm -f "$d/seen"
    timeout 600 mpirun --oversubscribe -x LD_PRELOAD="$witness${sabotage:+:$PWD/$build/tests/saboteur.so}" ${sabotage:+-x SABOTAGE="$sabotage"} ${grants:+-x WITNESS_GRANTS="$grants"} \
        -x WITNESS="$d/seen" -n "$ranks" "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 \
        --threads 2 --quiet --log-dir "$d/logs" --scratch "$d/scratch" "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
mkdir "$d/scratch"
seen 2 --model-id a
[ $rc -eq 0 ] && [ "$(grep -cE '^finalized: level 1, calls [1-9][0-9]+, others 0, late 0$' "$d/seen")" -eq 2 ]; ok $? "MPI_THREAD_FUNNELED is asked for and kept: $(head -1 "$d/seen")"
grants=0 seen 2 --model-id b
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'MPI: was built without MPI_THREAD_FUNNELED' "$d/err" && [ ! -e "$answers/b.jsonl" ]; ok $? "an MPI that grants less is refused: $(head -1 "$d/err")"
sabotage=1:calloc:90:ENOMEM seen 2 --model-id c
[ $rc -ne 0 ] && grep -qE '^aborted: level 1, calls [1-9][0-9]+, others 0, late 0$' "$d/seen"; ok $? "a rank that aborts sends nothing more: $(grep aborted "$d/seen")"
echo "1..$n"
exit $bad
