#!/bin/bash
# What MPI is asked for and what it gets to see: threads compute and read, only the first one of a rank ever calls MPI; an MPI that grants less is
# refused; from a rank that aborts nothing is sent any more; and whoever waits for another rank burns next to nothing.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
witness=$PWD/$build/tests/mpi_witness.so
answer=(answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 --threads 2 --quiet)
# seen RANKS VERB FLAGS...: mtbench with the witness in each rank, its lines in $d/seen
seen() {
    local ranks=$1
    shift
    rm -f "$d/seen"
    timeout 600 mpirun --oversubscribe -x LD_PRELOAD="$witness${sabotage:+:$PWD/$build/tests/saboteur.so}" ${sabotage:+-x SABOTAGE="$sabotage"} ${grants:+-x WITNESS_GRANTS="$grants"} \
        -x WITNESS="$d/seen" -n "$ranks" "$build/mtbench" "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
mkdir "$d/scratch"
seen 2 "${answer[@]}" --model-id a --log-dir "$d/logs" --scratch "$d/scratch"
[ $rc -eq 0 ] && [ "$(grep -cE '^finalized: level 1, calls [1-9][0-9]+, others 0, late 0;' "$d/seen")" -eq 2 ]; ok $? "MPI_THREAD_FUNNELED is asked for and kept: $(head -1 "$d/seen")"
grants=0 seen 2 "${answer[@]}" --model-id b
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'MPI: was built without MPI_THREAD_FUNNELED' "$d/err" && [ ! -e "$answers/b.jsonl" ]; ok $? "an MPI that grants less is refused: $(head -1 "$d/err")"
sabotage=1:calloc:90:ENOMEM seen 2 "${answer[@]}" --model-id c
[ $rc -ne 0 ] && grep -qE '^aborted: level 1, calls [1-9][0-9]+, others 0, late 0;' "$d/seen"; ok $? "a rank that aborts sends nothing more: $(grep aborted "$d/seen")"
# rests WHAT VERB FLAGS...: rank 1 waits five seconds for rank 0, which $sleeper holds up; what that burns, beside the same without it
burnt() { sed -nE 's/.*; rank 1 cpu ([0-9]+) wall ([0-9]+)$/\1 \2/p' "$d/seen"; }
rests() {
    local what=$1 plain cpu wall
    shift
    seen 2 "$@" x
    plain=$(burnt)
    sabotage=$sleeper seen 2 "$@" y
    read -r cpu wall < <(burnt)
    [ $rc -eq 0 ] && [ "${wall:-0}" -gt 5000 ] && [ $((cpu - ${plain% *})) -lt 1250 ]; ok $? "$what: $cpu ms of CPU in $wall ms, ${plain% *} in ${plain#* } without"
}
sleeper=0:pread:1:SLEEP rests "a rank that waits while another one reads weights" "${answer[@]}" --model-id
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
sleeper=0:fdatasync:2:SLEEP rests "a rank that has judged its calls" judge --data-dir "$d" --bench-name smoke --reference smoke --model-list a --judge-path "$d/model" --judge-max-tokens 8 \
    --threads 2 --quiet --max-error-rate 1 --judge-model
echo "1..$n"
exit $bad
