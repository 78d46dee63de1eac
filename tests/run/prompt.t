#!/bin/bash
# TAP: the verb `prompt`: any turn with its answers from the command line or a file, texts of the best tokens, one voice under mpirun.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
say() { "$build/mtbench" prompt --model-path "$d/model" --chat-template vicuna_v1.1 --data-dir "$d" --bench-name b "$@" >"$d/out" 2>"$d/err"; }
holds() { python3 -c "import json, sys; lines = [json.loads(l) for l in open('$d/out')]; p = lines[0]; sys.exit(not ($1))"; }
mkdir "$d/b"
echo '{"question_id": 7, "category": "writing", "turns": ["One?", "Two?", "Three?"]}' >"$d/b/question.jsonl"
echo '{"question_id": 7, "choices": [{"index": 0, "turns": ["first", "second"]}]}' >"$d/answers.jsonl"
say --question 7 && holds 'len(lines) == 1 and list(p) == ["prompt", "ids", "stop_ids"] and "One?" in p["prompt"] and "Two?" not in p["prompt"]'
ok $? "the first turn, with its ids and stop ids"
say --question 7 --turn 3 --answer first second && holds 'all(x in p["prompt"] for x in ("One?", "first", "Two?", "second", "Three?"))'
ok $? "the third turn with two answers"
cp "$d/out" "$d/third"
say --question 7 --turn 3 --answer-file "$d/answers.jsonl" && cmp -s "$d/out" "$d/third"; ok $? "the same with the answers of a file"
say --question 7 --turn 3 --answer first; [ $? -eq 1 ] && grep -q 'needs the answers to the 2 turns before' "$d/err"; ok $? "one answer too few is refused"
say --question 7 --turn 4 --answer a b c; [ $? -eq 1 ] && grep -q 'has no such turn' "$d/err"; ok $? "a turn that is not there"
say --question 7 --turn 2 --answer-file "$d/b/question.jsonl"; [ $? -eq 1 ] && [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ]; ok $? "a file without answers"
say --question 7 --top-logits 3 && holds 'len(p["top"]) == 3 and [len(x) for x in p["top"]] == [2, 2, 2] and [type(x) for x in p["top_texts"]] == [str] * 3'
ok $? "the best tokens and their texts"
cp "$d/out" "$d/top"
say --question 7 --top-logits 3 --trace && cmp -s "$d/out" "$d/top" && grep -q '^linear  ' "$d/err" && grep -q '^all  ' "$d/err"; ok $? "--trace counts and changes nothing"
say --question 7 --top-logits 3 --compare cpu --compare-bound 0 && cmp -s "$d/out" "$d/top" && grep -q 'nothing differs by more than 0' "$d/err"; ok $? "--compare with itself"
say --question 7 --top-logits 3 --greedy 4 && holds 'len(p["greedy"]) == 4 and p["greedy"][0]["top"] == p["top"] and all(len(g["top"]) == 3 and g["spread"] > 0 for g in p["greedy"]) and p["greedy_text"]'
ok $? "--greedy goes on behind the best tokens"
say --question 7 --num-gpus-total 2; [ $? -eq 1 ] && grep -q -- '--num-gpus-total 2: prompt runs one model' "$d/err"; ok $? "one model, one process"
say --question 7 --trace; [ $? -eq 1 ] && grep -q 'nothing is computed without --top-logits' "$d/err"; ok $? "--trace alone is refused"
say --question 7 --top-logits 3 --compare gpu; [ $? -eq 1 ] && grep -q -- '--compare gpu: this build has no executor' "$d/err"; ok $? "an executor that is not there"
timeout 600 mpirun --oversubscribe -n 3 "$build/mtbench" prompt --model-path "$d/model" --chat-template vicuna_v1.1 --data-dir "$d" --bench-name b --question 7 >"$d/out" 2>"$d/err" && [ "$(wc -l <"$d/out")" -eq 1 ]
ok $? "three ranks speak once"
echo "1..$n"
exit $bad
