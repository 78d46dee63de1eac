#!/bin/bash
# TAP: models of every architecture and type of weights (kinds_of_model.py) from start to answers on the emulated driver, mtbench-sim answer --device
# cuda: one digest for questions one at a time and together, and for threads in any order.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
sim=$build/mtbench-sim
[ -x "$sim" ] || { echo "1..0 # SKIP no $sim: it is built where nvcc's headers are"; exit 0; }
unset CUDA_VISIBLE_DEVICES MTB_CUDASIM
models=$(python3 tests/run/kinds_of_model.py "$d") && [ -n "$models" ] || { echo "Bail out! no models"; exit 1; }
mkdir -p "$d/b"
for i in 1 2 3; do echo "{\"question_id\": $i, \"category\": \"math\", \"turns\": [\"Tell me of $i cats, one after the other.\", \"And of dogs?\"]}"; done >"$d/b/question.jsonl"
answer() { # MODEL, MODEL_ID, flags
    timeout 600 "$sim" answer --device cuda --model-path "$d/$1" --model-id "$2" --data-dir "$d" --bench-name b --max-new-token 5 --threads 1 "${@:3}" \
        >"$d/out" 2>"$d/err"
    rc=$?
}
rounded() { # TYPE: the note that says what becomes of such weights
    case $1 in
    F32) grep -c 'F32 weights are rounded to bf16' "$d/err" ;;
    Q*) grep -c "$1 weights are widened to bf16" "$d/err" ;;
    *) [ "$(grep -c 'weights are' "$d/err")" -eq 0 ] && echo 1 ;;
    esac
}

seen=
for model in $models; do
    type=${model#*-} type=${type%.gguf}
    answer "$model" "$model.together" --max-batch 3; together=$(digest)
    [ $rc -eq 0 ] && [ ${#together} -eq 64 ] && [ "$(rounded "$type")" = 1 ]; ok $? "$model: answered, and what its weights become is said if they become something"
    MTB_CUDASIM="order=random seed=9 eager" answer "$model" "$model.alone" --max-batch 1
    [ $rc -eq 0 ] && [ "$(digest)" = "$together" ]; ok $? "$model: one at a time, threads in any order: the same digest"
    seen="$seen $together"
done
[ "$(printf '%s\n' $seen | sort -u | wc -l)" -eq "$(printf '%s\n' $models | wc -l)" ]; ok $? "no two models have one digest"
echo "1..$n"
exit $bad
