#!/bin/bash
# TAP: GPUs as Slurm hands them out, on the emulated driver (tests/cudasim): two nodes with two (fake) cards each. Whoever has a card of its own
# computes, by --gpus-per-node, --gpus-per-task and gres; whoever would share one is refused, with what to type instead.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
sim=$PWD/$build/mtbench-sim
[ -x "$sim" ] || { echo "1..0 # SKIP no $sim: it is built where nvcc's headers are"; exit 0; }
cluster 2 2
python3 tests/run/random_model.py "$d/small" 2
head -4 data/smoke/question.jsonl >"$d/smoke/question.jsonl"
export MTB_CUDASIM=devices=2
fast=(--model-path "$d/small" --data-dir "$d" --bench-name smoke --max-new-token 3 --max-batch 2 --device cuda --quiet)
timeout 300 "$sim" answer "${fast[@]}" --model-id want >"$d/out" 2>"$d/err"
want=$(digest)
[ ${#want} -eq 64 ]; ok $? "one rank, one card, without Slurm: $want"
# on FLAGS-OF-SRUN ID: answers as tasks of srun
on() {
    # shellcheck disable=SC2086 # words
    timeout 300 srun --quiet --mpi=pmix $1 "$sim" answer "${fast[@]}" --model-id "$2" >"$d/out" 2>"$d/err"
    rc=$?
}
id=0
for flags in "--gpus-per-node=2" "--gpus-per-task=1" "--gres=gpu:2" "--gpus=4"; do
    id=$((id + 1))
    on "-N2 --ntasks-per-node=2 $flags" "card$id"
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "two tasks on each of two nodes, $flags: a card each, the same digest"
done
on "-N2 --ntasks-per-node=2 --gpus-per-node=1" shared
[ $rc -eq 77 ] && [ "$(said)" -eq 1 ] && grep -q 'start at most 1 rank on this node (srun --ntasks-per-node=1)' "$d/err"
ok $? "two tasks, one card: $(grep -m 1 '^mtbench' "$d/err")"

# mpirun has one task of Slurm on each node, whose cards all its ranks see.
scripted() { # SBATCH-FLAGS...
    submit "$@" slurm/many-nodes.sbatch "${fast[@]}" --model-id "scripted$((id += 1))"
    finished
}
submit() {
    job=$(MTBENCH=$sim sbatch --parsable --output="$d/%j.out" "$@" 2>"$d/err") || { echo "Bail out! sbatch: $(cat "$d/err")"; exit 1; }
}
LAUNCH=mpirun scripted --gpus-per-node=2
[ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ]; ok $? "many-nodes.sbatch, mpirun, --gpus-per-node=2: the same digest ($end)"
scripted --gpus-per-node=2
[ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ]; ok $? "many-nodes.sbatch, srun, --gpus-per-node=2: the same digest ($end)"
LAUNCH=mpirun scripted --gpus-per-task=1
[ "$end" = FAILED:77 ] && grep -q 'two ranks do not share a card; start at most 1 rank on this node (mpirun --map-by ppr:1:node)' "$d/out"
ok $? "many-nodes.sbatch, mpirun, --gpus-per-task=1: $end, $(grep -m 1 -E '^mtbench|^digest' "$d/out")"
echo "1..$n"
exit $bad
