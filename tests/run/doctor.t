#!/bin/bash
# TAP: `mtbench doctor` alone and on ranks, with a model and a judge, and with what is wrong with them; a model that one node lacks.
cd "$(dirname "$0")/../.." || exit 1
for v in ${!SLURM_*} ${!OPENAI_*} http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY; do unset "$v"; done
. tests/run/run_lib.sh
stub=
trap '[ -z "$stub" ] || kill "$stub" 2>/dev/null; rm -rf "$d"' EXIT
one=(--data-dir "$d" --bench-name smoke --judge-file data/smoke/judge_prompts.jsonl --reference smoke --max-batch 8)
m=(--model-path "$d/model")
cp -r data/smoke/reference_answer "$d/smoke/"
# doctor RANKS FLAGS...: each rank a node
doctor() {
    local ranks=$1
    shift
    if [ "$ranks" = alone ]; then timeout 300 "$build/mtbench" doctor "${one[@]}" "$@" >"$d/out" 2>"$d/err"
    else MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n "$ranks" "$build/mtbench" doctor "${one[@]}" "$@" >"$d/out" 2>"$d/err"; fi
    rc=$?
}
line() { grep -m1 "^$1  *$2 " "$d/out"; }
# has CHECK LEVEL WORDS
has() { line "$1" "$2" | grep -q -- "$3"; }

doctor alone
[ $rc -eq 0 ] && has launch ok '1 rank on 1 node' && has questions ok '8 questions' && ! line model ok && ! line judge ok; ok $? "alone, without a model: $(tail -1 "$d/out")"
doctor 2 "${m[@]}"
[ $rc -eq 0 ] && has launch ok '2 ranks on 2 nodes' && has model ok 'parameters' && has memory ok 'GB' && has template ok 'stops at' && has clock ok '2 nodes agree' && [ ! -d "$answers" ]
ok $? "two ranks with a model, and no answer is computed: $(line template ok | cut -c1-120)"
doctor alone --json "${m[@]}"
[ $rc -eq 0 ] && python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["problems"] == 0 and {"launch", "model", "template"} <= {c["name"] for c in r["checks"]}' <"$d/out"; ok $? "--json: an object"
doctor alone --max-bach 3; [ $rc -eq 1 ] && [ "$(said)" -eq 1 ]; ok $? "a flag that is none is a usage error: $(head -1 "$d/err")"
doctor alone --device nothing; [ $rc -eq 1 ]; ok $? "as is a device that is none"

doctor 2 --model-path "$d/none"; [ $rc -eq 77 ] && has model problem 'none' && [ "$(grep -c '^model' "$d/out")" -eq 1 ]; ok $? "no model: $(line model problem)"
doctor 2 --data-dir "$d/nowhere"; [ $rc -eq 77 ] && has data problem 'is not there' && has questions problem nowhere; ok $? "no data folder: $(line data problem)"
doctor 2 --log-dir /proc/none; [ $rc -eq 77 ] && has logs problem 'cannot be written'; ok $? "no folder for logs: $(line logs problem)"
doctor alone --scratch /proc/none; [ $rc -eq 77 ] && has scratch problem 'cannot be written'; ok $? "nor for scratch: $(line scratch problem)"
SLURM_JOB_ID=x SLURM_ARRAY_TASK_ID=7 doctor alone; [ $rc -eq 0 ] && has variables warning 'SLURM_JOB_ID=x'; ok $? "variables that lie: $(line variables warning)"
SLURM_JOB_ID=7 SLURM_NTASKS=4 doctor alone; has launch warning 'batch job of 4 tasks'; ok $? "alone in a job of several tasks: $(line launch warning)"
SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4 doctor alone; [ $rc -eq 77 ] && has launch problem 'started 4 tasks, but each is alone'; ok $? "tasks that are each alone: $(line launch problem | cut -c1-100)"
SLURM_STEP_ID=0 SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=4 doctor alone; [ $rc -eq 77 ] && [ ! -s "$d/out" ] && [ ! -s "$d/err" ]; ok $? "of which one speaks"
MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n 1 "$build/mtbench" doctor "${one[@]}" : -n 1 -x MTBENCH_TEST_CLOCK_AHEAD=-42 "$build/mtbench" doctor "${one[@]}" >"$d/out" 2>"$d/err"
has clock warning 'by -42'; ok $? "clocks that differ: $(line clock warning)"

sim=$build/mtbench-sim
if [ -x "$sim" ]; then
    MTB_CUDASIM=devices=3 timeout 300 "$sim" doctor "${one[@]}" --device cuda >"$d/out" 2>"$d/err"; has peers ok "read each other's memory"; ok $? "cards that reach each other: $(line peers ok)"
    MTB_CUDASIM="devices=3 no_peers" timeout 300 "$sim" doctor "${one[@]}" --device cuda >"$d/out" 2>"$d/err"; has peers warning '3 of 3 pairs'; ok $? "and that do not: $(line peers warning)"
else
    n=$((n + 2)); echo "ok $((n - 1)) # SKIP no $sim: it is built where nvcc's headers are"; echo "ok $n # SKIP no $sim"
fi

# ---- a judge
python3 tests/judge/stub.py --port-file "$d/port" --log "$d/log" --key sk-very-secret >/dev/null 2>&1 & stub=$!
for _ in $(seq 100); do [ -s "$d/port" ] && break; sleep 0.1; done
j=(--judge-model gpt-4 --judge-base-url "http://127.0.0.1:$(cat "$d/port")/v1")
OPENAI_API_KEY=sk-very-secret doctor 2 "${m[@]}" "${j[@]}" --verbose; [ $rc -eq 0 ] && has judge ok 'gpt-4 answers at http://127.0.0.1' && has inputs ok 'judge prompts'; ok $? "a judge that answers: $(line judge ok)"
! grep -q very-secret "$d/out" "$d/err"; ok $? "its key is not printed"
OPENAI_API_KEY=sk-wrong-secret doctor alone "${j[@]}"; [ $rc -eq 77 ] && line judge problem >/dev/null && ! grep -q wrong-secret "$d/out" "$d/err"; ok $? "a wrong key: $(line judge problem | cut -c1-120)"
doctor alone --judge-model gpt-4; [ $rc -eq 77 ] && has judge problem 'key'; ok $? "no key: $(line judge problem | cut -c1-120)"
http_proxy=http://me:hidden@127.0.0.1:9 OPENAI_API_KEY=sk-very-secret doctor alone "${j[@]}"; [ $rc -eq 77 ] && has proxy warning 'http://...@127.0.0.1:9' && ! grep -q hidden "$d/out" "$d/err"
ok $? "a proxy that is in the way, without who signs in: $(line proxy warning)"

# ---- one node of two without the model, or with another one, as a mount namespace of its own shows it
if unshare -m true 2>/dev/null; then
    mkdir "$d/empty" "$d/other"; cp "$d"/model/* "$d/other/"; for f in "$d"/other/*.safetensors; do echo >>"$f"; done
    for what in empty other; do
        for verb in doctor answer; do
            MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n 1 "$build/mtbench" $verb "${m[@]}" --model-id x --data-dir "$d" --bench-name smoke : \
                -n 1 unshare -m sh -c "mount --bind $d/$what $d/model && exec $build/mtbench $verb --model-path $d/model --model-id x --data-dir $d --bench-name smoke" >"$d/out" 2>"$d/err"; rc=$?
            [ $verb = doctor ] && want=77 || want=1
            [ $rc -eq $want ] && grep -q 'model/.*: .*(rank 1 on ' "$d/out" "$d/err" && [ ! -e "$answers/x.journal" ]
            ok $? "$verb, a node with another model folder ($what): $(grep -h -m1 'rank 1 on' "$d/out" "$d/err")"
        done
    done
    mkdir "$d/set"; cp -r "$d/smoke" "$d/set/"
    MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n 1 "$build/mtbench" doctor --data-dir "$d/set" --bench-name smoke : \
        -n 1 unshare -m sh -c "mount -t tmpfs none $d && exec $PWD/$build/mtbench doctor --data-dir $d/set --bench-name smoke" >"$d/out" 2>"$d/err"
    has data warning 'is not there on 1 of 2 nodes'; ok $? "a node without the data folder: $(line data warning)"
    MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n 1 "$build/mtbench" doctor --data-dir "$d/set" --bench-name smoke : \
        -n 1 unshare -m sh -c "mount --bind $d/other $d/set && exec $PWD/$build/mtbench doctor --data-dir $d/set --bench-name smoke" >"$d/out" 2>"$d/err"
    has data warning 'is another folder on'; ok $? "a node with another data folder: $(line data warning)"
else
    n=$((n + 1)); echo "ok $n # SKIP this user cannot have a mount namespace: a node without the model was not tried"
fi
echo "1..$n"
exit $bad
