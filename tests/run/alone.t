#!/bin/bash
# One rank fails alone, or dies, at every stage of `mtbench answer`: the job ends with one line that names rank and reason, none waits for
# it, no finished turn is lost, and the next start, on another number of ranks, comes to the same digest.
# A random model (tests/run/random_model.py) and a preloaded saboteur (tests/run/saboteur.c).
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1

run 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "the random model answers: $want"

# ---- failing alone: what, on which of 3 ranks, ranks per node, sabotage, words of the message
fails() {
    sabotage=$3
    export SABOTAGE_PATH=${5:-safetensors}
    rm -f "$answers"/alone.*
    [ -z "$2" ] || export MTBENCH_TEST_RANKS_PER_NODE=$2
    run 3 --model-id alone $6
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep '^mtbench: ' "$d/err" | grep -qE -- "$4.*\(rank ${3%%:*} on "
    ok $? "$1: $(grep -m 1 '^mtbench: ' "$d/err" | cut -c 10-140)"
    sabotage=
    unset MTBENCH_TEST_RANKS_PER_NODE SABOTAGE_PATH
}
for r in 0 1 2; do fails "leader $r of 3 has no memory to load through" 1 "$r:malloc:1:ENOMEM:16777216" 'to load weights through'; done
for r in 0 1; do fails "rank $r has no memory for its KV cache" '' "$r:mmap:1:ENOMEM:50000000" 'KV cache'; done
fails "rank 2 cannot start its threads" '' 2:pthread_create:0:EAGAIN '--threads 2: thread 1 cannot be started' '' '--threads 2'
fails "a leader cannot read its part" 1 1:pread:1:EIO 'cannot read: Input/output error'
fails "rank 0 cannot read the second chunk of metadata" 1 0:pread:2:EIO 'cannot read: Input/output error'
fails "a leader's part ends early" 1 1:pread:1:SHORT 'became shorter'
fails "a node may not open a file" 1 2:open:1:EACCES 'cannot be opened on this node: Permission denied'
fails "a leader may not open a file any more" 1 2:open:3:EACCES 'cannot open: Permission denied'
fails "rank 0 alone on its node, then another, has no memory for weights" 1 1:mmap:1:ENOMEM:16000000 'weights: cannot have'
fails "the disk is full when the journal begins" '' 0:pwrite:1:ENOSPC 'No space left' journal
fails "the disk is full in the middle" '' 0:pwrite:4:ENOSPC 'No space left' journal
[ "$(turns "$answers/alone.journal")" -ge 1 ]; ok $? "what was finished before stays: $(turns "$answers/alone.journal") turns"
fails "a turn cannot be flushed" '' 0:fdatasync:3:EIO 'Input/output error' journal
fails "the answer file cannot be renamed into place" '' 0:rename:1:EACCES 'Permission denied' alone.jsonl
for i in 30 60 90; do fails "small allocation $i fails on rank 1" '' 1:calloc:$i:ENOMEM 'memory: cannot get'; done
run 2 --model-id alone; [ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "and after all of that, the same digest"

# ---- the same file, another weight in it: the answers that are there are another model's
run 1 --model-id swap --first-n 2
cp "$answers/swap.journal" "$d/kept"
other_weights
run 2 --model-id swap
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -qE '^mtbench: .*swap.journal: answers under this id were made otherwise: model_sha256 was [0-9a-f]{64} and is [0-9a-f]{64}; use another' "$d/err" &&
    cmp -s "$answers/swap.journal" "$d/kept"
ok $? "other weights do not go on with these answers: $(grep -o -m 1 'answers under this id.*is .\{8\}' "$d/err")"
run 2 --model-id swap --fresh
[ $rc -eq 0 ] && [ "$(digest)" != "$want" ]; ok $? "they answer afresh, and otherwise"
other_weights
cp "$d/kept" "$answers/swap.journal"
run 2 --model-id swap; [ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "the first weights go on with theirs"

# ---- a template that prints the time: one instant for all ranks and all starts of a journal, kept in its manifest
clock="{{ strftime_now('%Y-%m-%d %H:%M:%S') }}|{{ messages[0].content }}|{{ messages | length }}"
printf '%s' "$clock" >"$d/clock.jinja"
run 2 --model-id clock --chat-template "$d/clock.jinja" --first-n 2
[ $rc -eq 0 ]; ok $? "a template with a clock answers"
sleep 1.1
run 3 --model-id clock --chat-template "$d/clock.jinja" --first-n 6
[ $rc -eq 0 ] && grep -q '^answers   12/12' "$d/out"; ok $? "the next start goes on, on other ranks"
python3 - "$answers/clock.journal" "$d/smoke/question.jsonl" <<'PY' >"$d/out" 2>"$d/err"
import hashlib, json, sys, time
lines = [json.loads(x) for x in open(sys.argv[1])]
asked = {q["question_id"]: q["turns"] for q in map(json.loads, open(sys.argv[2]))}
at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(lines[0]["identity"]["template_time"])))
for t in lines[1:]:
    text = f"{at}|{asked[t['question_id']][0]}|{2 * t['turn'] - 1}"
    assert hashlib.sha256(text.encode()).hexdigest() == t["prompt_sha256"], (t["question_id"], t["turn"])
assert len(lines) == 13 and lines[0]["identity"]["stop_ids"], lines[0]
PY
ok $? "and every prompt of both starts shows the instant of the first"
run 1 --model-id clock --chat-template "$d/clock.jinja" --first-n 6
grep -q '^cut       [0-9]* answers ran into --max-new-token 8' "$d/out"; ok $? "answers that ran into the limit are counted: $(grep ^cut "$d/out")"
echo "1..$n"
exit $bad
