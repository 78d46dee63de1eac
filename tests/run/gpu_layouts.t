#!/bin/bash
# TAP: ranks and GPUs, on the emulated driver (tests/cudasim): who drives which card, what is refused before weights are read, and a card that
# fails in the middle of the work.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
sim=$build/mtbench-sim
[ -x "$sim" ] || { echo "1..0 # SKIP no $sim: it is built where nvcc's headers are"; exit 0; }
head -2 data/smoke/question.jsonl >"$d/smoke/question.jsonl"
python3 tests/run/random_model.py "$d/small" 2
# on DRIVER RANKS FLAGS...: as run(), with MTB_CUDASIM=DRIVER
on() {
    MTB_CUDASIM=$1 timeout 600 mpirun --oversubscribe -n "$2" "$sim" answer --model-path "$d/small" --data-dir "$d" --bench-name smoke --max-new-token 3 \
        --max-batch 2 --device cuda --quiet "${@:3}" >"$d/out" 2>"$d/err"
    rc=$?
}
on devices=1 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "one rank, one GPU: $want"
on devices=2 2 --model-id two --num-gpus-total 2
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "two ranks, two GPUs: the same digest"
refused() { # words, exit code, driver, ranks, flags...
    on "${@:3}" --model-id refused
    [ $rc -eq "$2" ] && [ "$(said)" -eq 1 ] && grep -qF -- "$1" "$d/err"; ok $? "refused ($rc): $(head -1 "$d/err")"
}
refused 'two ranks do not share a card; start at most 1 rank on this node (mpirun --map-by ppr:1:node)' 77 devices=1 2
refused 'no usable GPU' 77 devices=0 2
refused '--num-gpus-per-model 2: a model lies on at most 1 GPU in this version; give 1, or use --device cpu' 1 devices=2 1 --num-gpus-per-model 2
refused 'a rank drives one GPU, and this job has 1 rank; start it by `mpirun -n 2`' 1 devices=2 1 --num-gpus-total 2
refused '--max-gpu-memory: the weights take' 1 devices=2 2 --max-gpu-memory 1MB
export CUDA_VISIBLE_DEVICES=0,x
refused '"x" is neither an index nor the id of a GPU' 77 devices=2 1
unset CUDA_VISIBLE_DEVICES

on "devices=2 fail_launch=150" 2 --model-id k
[ $rc -eq 75 ] && grep -q '^mtbench: GPU [01]: .*what is finished is kept' "$d/err"; ok $? "a card fails in the middle: exit code $rc, $(grep -m 1 GPU "$d/err")"
kept=$(turns "$answers/k.journal")
on devices=1 1 --model-id k
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "the next start goes on behind ${kept:-0} turns: the same digest"
echo "1..$n"
exit $bad
