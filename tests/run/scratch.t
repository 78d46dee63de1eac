#!/bin/bash
# `--scratch`: weights copied once per node, the journal's fast copy, and what is left of both after kills, crashes, and on full disks.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
journal="$answers/s.journal"
run() { # as that of run_lib.sh, with all notes
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe ${sabotage:+-x LD_PRELOAD="$PWD/$build/tests/saboteur.so" -x SABOTAGE="$sabotage"} -n "$ranks" "$build/mtbench" answer \
        --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
copies() { find "$d/scratch" -type f -name '*.safetensors' 2>/dev/null | wc -l; }
fast() { find "$d/scratch" -type f -name '*-s.journal' 2>/dev/null; }
twice() { tail -n +2 "$journal" | grep -o '"question_id": [0-9]*, "choice": [0-9]*, "turn": [0-9]*' | sort | uniq -d; }
forget() { rm -rf "$answers" "$d/scratch"; }

run 2 --model-id plain
want=$(digest)
run 2 --model-id s --scratch "$d/scratch" --verbose
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(copies)" -eq 2 ] && grep -q 'scratch: 1[0-9.]* MB of weights are copied there, 0.0 MB were' "$d/err"
ok $? "weights are copied, the answers are the same: $(grep -o '[0-9.]* MB of weights are copied.*' "$d/err")"
[ -z "$(fast)" ]; ok $? "at the end the journal needs no copy"
run 3 --model-id t --scratch "$d/scratch" --verbose
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q ' 0.0 MB of weights are copied there, 1[0-9.]* MB were' "$d/err"; ok $? "a later job finds them"
python3 - "$(find "$d/scratch" -name '*.safetensors' | head -1)" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(-1, 2); b = f.read(1)[0]; f.seek(-1, 2); f.write(bytes([b ^ 1]))
PY
run 2 --model-id u --scratch "$d/scratch"
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q 'is not what was copied; it is copied again' "$d/err"
ok $? "a copy that was damaged is made again"
MTBENCH_TEST_RANKS_PER_NODE=1 run 2 --model-id two --scratch "$d/scratch"
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "two nodes"
mkdir "$d/tmp"; TMPDIR="$d/tmp" run 1 --model-id v --scratch
[ $rc -eq 0 ] && [ -n "$(find "$d/tmp" -name '*.safetensors')" ]; ok $? "without a name it is TMPDIR"

python3 tests/run/random_model.py "$d/other" 6
printf '%s\n' "--model-path $d/model --model-id la" "--model-path $d/other --model-id lb" >"$d/list"
rm -rf "$d/scratch"
mpirun --oversubscribe -n 2 "$build/mtbench" campaign "$d/list" --data-dir "$d" --bench-name smoke --max-new-token 8 --scratch "$d/scratch" --verbose >"$d/out" 2>"$d/err" </dev/null
rc=$?
[ $rc -eq 0 ] && grep -q 'MB of the next model ahead' "$d/err" && [ "$(copies)" -ge 3 ] && [ "$(grep -c 'MB of weights are copied there' "$d/err")" -eq 2 ]
ok $? "a campaign copies the next model ahead: $(grep -o '[0-9.]* MB of weights are copied.*' "$d/err" | tail -1)"

cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
mpirun -n 1 "$build/mtbench" judge --model-list la --judge-model own --judge-path "$d/model" --data-dir "$d" --bench-name smoke --reference smoke --judge-max-tokens 8 \
    --max-error-rate 1 --verbose --scratch "$d/scratch" >"$d/out" 2>"$d/err" </dev/null
[ $? -eq 0 ] && grep -q ' 0.0 MB of weights are copied there, 1[0-9.]* MB were' "$d/err"; ok $? "a local judge finds its weights there, too"

# ---- a scratch folder that cannot be had ----
forget
touch "$d/file"
run 2 --model-id s --scratch "$d/file"
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q -- "--scratch $d/file: .*Not a directory; this node (.*) reads weights from where they are" "$d/err"
ok $? "unwritable: told, and the run goes on: $(grep -m1 scratch "$d/err" | cut -c1-160)"
forget
sabotage=0:pwrite:2:ENOSPC SABOTAGE_PATH=/weights/ run 2 --model-id s --scratch "$d/scratch"
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q 'No space left on device; this node' "$d/err" && [ -z "$(find "$d/scratch" -name '*.part*')" ]
ok $? "full while weights are copied: nothing of the part stays, the run goes on"
forget
sabotage=0:pwrite:4:ENOSPC SABOTAGE_PATH=/journals/ run 2 --model-id s --scratch "$d/scratch" --max-batch 1
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q 'No space left on device; each turn is flushed to .*s.journal from here on' "$d/err"
ok $? "full under the journal's copy: told, and turns are flushed to the journal itself"

# ---- deaths ----
forget
sabotage=0:fdatasync:9:KILL SABOTAGE_PATH=/journals/ run 2 --model-id s --scratch "$d/scratch" --max-batch 1
had=$(turns "$(fast)")
[ $rc -ne 0 ] && [ "$had" -ge 4 ]; ok $? "killed with $had turns in the copy"
head -n 3 "$journal" >"$d/kept" && printf '{"question_id": 1' >>"$d/kept" && cp "$d/kept" "$journal"       # what a crash of the node leaves of an unflushed file
run 3 --model-id s --scratch "$d/scratch" --max-batch 1
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q 'bytes that a crash had kept from it come from' "$d/err" && [ -z "$(twice)" ] && [ -z "$(fast)" ]
ok $? "what only the copy has comes back, no turn is made twice: $(grep -o '[0-9]* bytes that a crash.*' "$d/err" | cut -c1-70)"
forget
sabotage=0:fdatasync:9:KILL SABOTAGE_PATH=/journals/ run 2 --model-id s --scratch "$d/scratch" --max-batch 1
had=$(turns "$journal") && rm -rf "$d/scratch"
run 2 --model-id s --scratch "$d/scratch" --max-batch 1
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ -z "$(twice)" ]; ok $? "the scratch folder is lost: the journal's $had turns are kept"
forget
sabotage=0:fdatasync:9:KILL SABOTAGE_PATH=/journals/ run 2 --model-id s --scratch "$d/scratch" --max-batch 1
rm -rf "$answers"
run 2 --model-id s --scratch "$d/scratch"
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && grep -q 'is the copy of a journal that is gone; it is kept as .*old and not used' "$d/err"; ok $? "a journal that was removed does not come back"
began=$SECONDS
SABOTAGE_LOG="$d/log" sabotage=0:none:1:EIO run 1 --model-id w --scratch "$d/scratch" --max-batch 1
took=$((SECONDS - began))
[ "$(grep -c '^fdatasync .*/model_answer/w.journal' "$d/log")" -le $((3 + took / 5)) ] && [ "$(grep -c '^fdatasync .*/journals/' "$d/log")" -ge 16 ]
ok $? "16 turns are flushed to the copy, the shared file $(grep -c '^fdatasync .*/model_answer/w.journal' "$d/log") times"
echo "1..$n"
exit $bad
