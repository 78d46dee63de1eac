#!/bin/bash
# TAP: what runs where. A model on one rank, on parts of its cores, on several ranks, several of them side by side, on pretended nodes: one
# digest, by `answer` and by a local judge; what dies or is stopped goes on in another layout; what cannot be is refused in one line.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
journal="$answers/k.journal"
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
spread() { # ranks, T, N or -, flags...: as run(), on so many devices
    local ranks=$1 t=$2 total=$3
    shift 3
    run "$ranks" --device cpu --num-gpus-per-model "$t" $([ "$total" = - ] || echo "--num-gpus-total $total") "$@"
}
run 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "one rank, one device: $want"

# same TEXT RANKS T N
same() {
    spread "${@:2}" --model-id "l$n"
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ ! -s "$d/err" ]; ok $? "$1: the same digest"
}
same "a rank drives a model's 2 devices" 1 2 -
same "a rank drives a model's 8 devices" 1 8 8
same "2 ranks are a model" 2 2 2
same "4 ranks are a model" 4 4 4
same "4 ranks are 2 models" 4 2 4
same "2 ranks drive 2 devices each" 2 2 4
same "3 ranks drive 2 devices each" 3 2 -
export MTBENCH_TEST_RANKS_PER_NODE=2
same "2 models on 2 nodes" 4 2 4
export MTBENCH_TEST_RANKS_PER_NODE=1
same "2 nodes, 2 devices on each" 2 2 -
unset MTBENCH_TEST_RANKS_PER_NODE
spread 4 2 4 --model-id batch --max-batch 2 --threads 1
[ "$(digest)" = "$want" ]; ok $? "2 models of 2 ranks, two conversations at a time: the same digest"
grep -q '"layout": "4 ranks on 1 node, 2 of them a model"' "$answers/batch.journal"; ok $? "the manifest names the layout"
spread 1 2 - --model-id batch --max-new-token 8 && [ "$(digest)" = "$want" ] && grep -q ' 0 tokens' "$d/out"; ok $? "another layout finds all of it done"

# ---- refused, with advice, before weights are read
refused() { # words, exit code, ranks, flags...
    local words=$1 code=$2
    run "${@:3}" --model-id refused
    [ $rc -eq "$code" ] && [ "$(said)" -eq 1 ] && grep -qF -- "$words" "$d/err"; ok $? "refused: $(head -1 "$d/err")"
}
refused '--num-gpus-per-model 3: a model is cut in halves only; give 1, 2, 4 or 8' 1 1 --num-gpus-per-model 3
refused '--num-gpus-total 6: is not a multiple' 1 1 --num-gpus-per-model 4 --num-gpus-total 6
refused 'start it by `mpirun -n 2`, where a rank drives a whole model, or by `mpirun -n 4`' 1 3 --device cpu --num-gpus-per-model 2 --num-gpus-total 4
refused 'a rank drives one device, and this job has 2 ranks; start it by `mpirun -n 8`' 1 2 --device cpu --num-gpus-total 8
export MTBENCH_TEST_RANKS_PER_NODE=1
refused 'which does not span nodes' 1 2 --device cpu --num-gpus-per-model 2 --num-gpus-total 2
unset MTBENCH_TEST_RANKS_PER_NODE
refused '--max-gpu-memory: the weights take' 1 2 --device cpu --num-gpus-per-model 2 --max-gpu-memory 1MB
CUDA_VISIBLE_DEVICES='' refused '--device cuda: ' 77 2 --device cuda

# ---- what dies, and what is stopped
resumes() { # text, ranks, T, N
    local before=0
    [ ! -f "$journal" ] || before=$(turns "$journal")
    sabotage=
    unset SABOTAGE_PATH
    spread "${@:2}" --model-id k
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(turns "$journal")" -eq 16 ]; ok $? "$1: $before turns kept, the same digest"
    rm -rf "$answers"/k.*
}
# begin RANKS T N: with a disk that is slow enough to be met half way. pid RANK: its process
begin() {
    local total=$3
    rm -f "$answers"/k.*
    mpirun --oversubscribe $begin_flags -x LD_PRELOAD="$PWD/$build/tests/saboteur.so" -x SABOTAGE=0:fdatasync:0:NAP -n "$1" "$build/mtbench" answer \
        --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 1 --quiet --device cpu --model-id k \
        --num-gpus-per-model "$2" --num-gpus-total "$total" >"$d/out" 2>"$d/err" &
    launcher=$!
    for _ in $(seq 3000); do [ "$(turns "$journal")" != "" ] && [ "$(turns "$journal")" -ge 2 ] && break; sleep 0.02; done
}
pid() { for p in $(pgrep -P $launcher -x mtbench); do tr '\0' '\n' <"/proc/$p/environ" | grep -qx "OMPI_COMM_WORLD_RANK=$1" && echo "$p"; done; }
# ends TEXT SIGNAL RANK CODE: all ranks do, within the time-out; CODE - is any failure, any is whatever the launcher makes of it
ends() {
    local start
    start=$(date +%s)
    kill "-$2" "$(pid "$3")"
    wait $launcher 2>/dev/null
    rc=$? s=$(($(date +%s) - start))
    { [ "$4" = any ] || { [ "$4" = - ] && [ $rc -ne 0 ]; } || [ $rc -eq "$4" ]; } && [ $s -le 60 ] && ! pgrep -f -- "--data-dir $d " >/dev/null; ok $? "$1: all ranks end, exit code $rc after $s s"
}
begin 2 2 2; ends "kill -9 of a rank that follows" KILL 1 -; resumes "then one rank" 1 1 -
begin 2 2 2; ends "kill -9 of member 0" KILL 0 -; resumes "then 4 ranks, 2 to a model" 4 2 4
begin 4 2 4; ends "kill -9 of member 0 of the other model" KILL 2 -; resumes "then one rank of 2 devices" 1 2 -
begin 2 2 2; ends "SIGTERM on member 0" TERM 0 75; resumes "then 2 ranks" 2 1 -
begin 2 2 2; ends "SIGTERM on a rank that follows" TERM 1 75; resumes "then one rank" 1 1 1
begin 4 2 4; ends "SIGUSR1 on a rank that follows in the other model" USR1 3 75; resumes "then 4 ranks as one model" 4 4 4
begin 1 2 2; ends "SIGTERM on a rank that drives 2 devices" TERM 0 75; resumes "then 2 ranks as one model" 2 2 2

# ---- ranks that hang, which no launcher ends: the others wait for a while, say one line, and end all
export MTBENCH_TEST_PATIENCE=4
# hangs TEXT WORDS RANKS T N RANK
hangs() {
    begin "${@:3:3}"
    ends "$1" STOP "$6" 75
    [ "$(said)" -eq 1 ] && grep -q "$2" "$d/err"; ok $? "$1: $(grep -m1 "^mtbench: " "$d/err")"
}
hangs "a rank that follows hangs" 'tensor group: the others have waited 4 s for member 1 of 2; it is lost or hangs, .* (rank 0 on ' 2 2 2 1
resumes "then one rank" 1 1 -
hangs "member 0 hangs" 'tensor group: .*member 0 of 2.* it is lost or hangs, .* (rank 1 on ' 2 2 2 0
resumes "then 2 ranks" 2 2 2
hangs "a rank of four hangs" 'tensor group: the others have waited 4 s for member 3 of 4; it is lost or hangs' 4 4 4 3
resumes "then 2 models" 2 2 4
# ... and ranks that die where the launcher lets the others go on
orphan() { # TEXT RANK WORDS
    begin_flags=--enable-recovery
    begin 2 2 2
    ends "$1" KILL "$2" any
    begin_flags=
    [ "$(said)" -eq 1 ] && grep -q "$3" "$d/err"; ok $? "$1: $(grep -m1 '^mtbench: ' "$d/err")"
}
orphan "a rank that follows dies, and the launcher leaves the other" 1 'rank 1 on .*: has died, and the launcher lets the others wait for it'
resumes "then one rank" 1 1 -
orphan "member 0 dies, and the launcher leaves the other" 0 'rank 0 on .*: has died, and the launcher lets the others wait for it'
resumes "then 2 ranks" 2 2 2
unset MTBENCH_TEST_PATIENCE
sabotage=1:pread:1:EIO; export SABOTAGE_PATH=safetensors MTBENCH_TEST_RANKS_PER_NODE=2
spread 4 2 4 --model-id k
unset MTBENCH_TEST_RANKS_PER_NODE
[ $rc -ne 124 ] && [ $s -le 60 ]; ok $? "a rank that cannot read: all ranks end after $s s ($rc) $(head -1 "$d/err")"
resumes "then 2 ranks" 2 2 2

# ---- another arithmetic under the same name
sed '1s/"numerics": "[^"]*"/"numerics": "cuda-sm90-bf16-kv16-v1, 8 shards"/' "$answers/want.journal" >"$journal"
spread 2 2 2 --model-id k
[ $rc -eq 1 ] && grep -q 'numerics was cuda-sm90-bf16-kv16-v1, 8 shards and is cpu-f32-kv16-v1' "$d/err"; ok $? "a run that was begun on a GPU is not continued on the CPU: $(head -1 "$d/err")"
rm -f "$journal"

# ---- the other verbs
plan() { mpirun --oversubscribe -n "$1" "$build/mtbench" plan --model-path "$d/model" --model-id p --data-dir "$d" --bench-name smoke --device cpu "${@:2}" >"$d/out" 2>"$d/err"; }
plan 4 --num-gpus-per-model 2 --num-gpus-total 4
reading=$(sed -nE 's/^ +and ([0-9]+)\.[0-9] MB for reading while the weights are loaded$/\1/p' "$d/out")
[ "${reading:-0}" -ge 50 ] && [ "$reading" -le 85 ]; ok $? "plan: 33.6 MB of pieces and 4 to 12 chunks of 4 MiB: $reading MB"
grep -q '^layout    4 ranks on 1 node, 2 of them a model, ' "$d/out"; ok $? "plan: $(grep ^layout "$d/out")"
plan 1 --num-gpus-per-model 2
grep -q '^layout    1 rank on 1 node, a model on 2 devices of each, ' "$d/out"; ok $? "plan: $(grep ^layout "$d/out")"
"$build/mtbench" --version | grep -q '^cuda .*sm_'; gpus=$((1 - $?))
MTBENCH_DEVICE=auto CUDA_VISIBLE_DEVICES='' mpirun --oversubscribe -n 2 "$build/mtbench" plan --model-path "$d/model" --model-id p --data-dir "$d" --bench-name smoke --reference smoke >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && [ "$(grep -c 'device auto: no usable GPU: ' "$d/err")" -eq $gpus ] && grep -q '^layout    2 ranks' "$d/out"; ok $? "--device auto falls back to the CPU, and where the program could use a GPU says so once"
prompt() { "$build/mtbench" prompt --model-path "$d/model" --data-dir "$d" --bench-name smoke --question 1 --top-logits 5 --device cpu "$@" 2>"$d/err"; }
top=$(prompt)
[ -n "$top" ] && [ "$(prompt --num-gpus-per-model 4)" = "$top" ]; ok $? "prompt on 4 devices: the same logits"
# judge RANKS T N: the judgments of "want", but for their times
judge() {
    rm -rf "$d/smoke/model_judgment"
    timeout 600 mpirun --oversubscribe -n "$1" "$build/mtbench" judge --data-dir "$d" --bench-name smoke --reference smoke --model-list want --judge-model own \
        --judge-path "$d/model" --judge-constrained --judge-max-tokens 8 --max-error-rate 1 --device cpu --num-gpus-per-model "$2" --num-gpus-total "$3" \
        --quiet >"$d/out" 2>"$d/err"
    rc=$?
    sed 's/"tstamp".*//' "$d/smoke/model_judgment/own_single.jsonl" 2>/dev/null
}
verdicts=$(judge 1 1 1)
grep -q '^judgments 16/16' "$d/out" && [ ${#verdicts} -gt 100 ]; ok $? "a local judge on one rank"
for l in '1 2 2' '2 2 2' '4 2 4' '2 2 4'; do
    [ "$(judge $l)" = "$verdicts" ]; ok $? "$l (ranks, devices of a model, of all): the same judgments"
done
judge 2 2 8 >"$d/none"; [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q -- '--num-gpus-total 8' "$d/err"; ok $? "refused: $(head -1 "$d/err")"
echo "1..$n"
exit $bad
