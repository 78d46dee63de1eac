#!/bin/bash
# TAP: FastChat 0.2.36's own gen_judgment and our matches, prompts and records, with the same canned replies: every call and every record, in order.
cd "$(dirname "$0")/../.." || exit 1
tests=14
if [ ! -e data/judge_prompts.jsonl ] || [ ! -e data/mt_bench/reference_answer/gpt-4.jsonl ]; then
    why="the official data is not here; data/fetch.sh gets it"
elif ! python=$(tests/peers/venv judge 2>&1); then
    why=${python##*$'\n'}
fi
if [ -n "${why:-}" ]; then
    for i in $(seq $tests); do echo "ok $i # SKIP $why"; done
    echo "1..$tests"
    exit 0
fi
probe=$PWD/build/${VARIANT:-release}/tests/probe/judge_probe peer=$PWD/tests/peers/fastchat_judge.py
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0 bad=0
ok() { # condition's exit status, name
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
mkdir -p "$work/data/mt_bench/model_answer"
cp data/judge_prompts.jsonl "$work/data/"
cp -r data/mt_bench/question.jsonl data/mt_bench/reference_answer "$work/data/mt_bench/"
models=(zephyr-7b gpt-3.5-turbo alpaca)
"$python" "$peer" answers "$work/data" "${models[@]}"
for mode in single pairwise-baseline pairwise-all; do
    kind=pair
    [ $mode = single ] && kind=single
    for parallel in 1 8; do
        at=$work/$mode.$parallel
        rm -f "$work/data/mt_bench/model_judgment/gpt-4_$kind.jsonl"
        (cd "$work" && "$python" "$peer" judge "$at.theirs.calls" $mode $parallel gpt-3.5-turbo "${models[@]}") >"$at.log" 2>&1 || tail -5 "$at.log" | sed 's/^/# /'
        "$probe" "$work/data" $mode $parallel gpt-3.5-turbo "$at.ours.calls" "$at.ours.jsonl" "${models[@]}"
        cmp "$at.ours.calls" "$at.theirs.calls" >&2
        ok $? "$mode, --parallel $parallel: the same $(wc -l <"$at.ours.calls") calls in the same order"
        order=ordered
        [ $parallel -gt 1 ] && order=any
        "$python" "$peer" compare "$at.ours.jsonl" "$work/data/mt_bench/model_judgment/gpt-4_$kind.jsonl" $order
        ok $? "$mode, --parallel $parallel: the same records but for the time"
    done
done
[ "$(wc -l <"$work/single.1.ours.calls")" -eq 480 ]; ok $? "single: 160 calls per model"
[ "$(wc -l <"$work/pairwise-all.8.ours.calls")" -eq 960 ]; ok $? "pairs: 320 calls per pair"
echo "1..$n"
exit $bad
