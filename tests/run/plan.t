#!/bin/bash
# `mtbench plan`: what it says beforehand is what then happens: turns, prompt tokens, calls, and their tokens as the local judge counts them.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
# plan FLAGS...: exit code in $rc, output in $d/out and $d/err
plan() {
    timeout 600 "$build/mtbench" plan --data-dir "$d" --bench-name smoke --reference smoke "$@" >"$d/out" 2>"$d/err" </dev/null
    rc=$?
}
answering=(--model-path "$d/model" --model-id m --max-new-token 8 --max-batch 8)
own=(--judge-model own --judge-path "$d/model" --judge-max-tokens 8)
word() { sed -nE "s/$1/\\1/p" "$d/out" | head -1; }
files() { find "$d" -type f ! -name out ! -name err | sort; }

before=$(files)
plan "${answering[@]}" "${own[@]}"
[ $rc -eq 0 ] && [ "$(files)" = "$before" ]; ok $? "a plan exits with 0 and leaves no file"
[ ! -s "$d/err" ]; ok $? "and says nothing on stderr"
grep -qE '^layout    1 rank on 1 node, [0-9]+ threads? each, (avx512|avx2|plain)$' "$d/out"; ok $? "layout: $(grep ^layout "$d/out")"
grep -q '^answers   16 turns, 0 done, 16 to come' "$d/out" && grep -q 'about 128 new tokens, at most 128$' "$d/out"; ok $? "turns, and tokens that the limit lets come"
sum=0
for q in $(sed -E 's/.*"question_id": *([0-9]+).*/\1/' "$d/smoke/question.jsonl"); do
    ids=$("$build/mtbench" prompt --model-path "$d/model" --data-dir "$d" --bench-name smoke --question "$q" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["ids"]))')
    sum=$((sum + ids))
done
[ "$(word '.* to come: ([0-9]+) tokens in first prompts.*')" = "$sum" ]; ok $? "$sum tokens in the first prompts, as the verb prompt prints them"
grep -q '^time      unknown until some turns are done' "$d/out"; ok $? "no time is invented"
grep -q '^judge     own, single: 16 judgments, 0 done, 16 calls to come' "$d/out" && grep -q 'counted with its tokenizer; answers to come' "$d/out"; ok $? "calls of a local judge"
grep -q '^judged by ' "$d/out" && [ "$(grep -c '^memory ' "$d/out")" -eq 2 ]; ok $? "memory of both models"

plan "${answering[@]}" "${own[@]}" --calibrate 1
[ $rc -eq 0 ] && grep -qE '^time      about [0-9]+ s and [0-9]+ s for loading, by the steps of --calibrate$' "$d/out" && grep -q '^submit .* --time=' "$d/out" && [ "$(files)" = "$before" ]
ok $? "a second of calibration tells it, and leaves no file: $(grep ^time "$d/out")"
timeout 600 mpirun --oversubscribe -n 2 "$build/mtbench" plan --data-dir "$d" --bench-name smoke --reference smoke "${answering[@]}" "${own[@]}" --calibrate 1 --simulate 4 >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && grep -q 'by the steps of --calibrate$' "$d/out" && grep -qE '^ +about [0-9]+ s \([0-9]+ s to' "$d/out"; ok $? "on two ranks as well, and for four on paper: $(grep -A1 ^simulate "$d/out" | tail -1 | tr -s ' ')"

run 2 --model-id m --first-n 4
plan "${answering[@]}" "${own[@]}"
grep -q '^answers   16 turns, 8 done, 8 to come' "$d/out" && grep -qE '^time      about [0-9]+ s ' "$d/out"; ok $? "after half of it half is to come, and the time is known: $(grep ^time "$d/out")"
plan "${answering[@]}" "${own[@]}" --simulate 4
grep -q '^simulate  4 ranks: 16 turns, 8 of them of stored' "$d/out" && grep -qE ' [0-9.]+ times as fast as one rank, 1\.[0-9]+ times the shortest possible, busy [0-9]+ %' "$d/out"; ok $? "four ranks on paper: $(grep -A1 ^simulate "$d/out" | tail -1 | tr -s ' ')"
grep -qE '^submit    sbatch --nodes=1 --ntasks-per-node=1 --cpus-per-task=[0-9]+ --mem=[0-9]+M( --time=[0-9]+:[0-9]+:00)? --signal=USR1@60' "$d/out"; ok $? "$(grep ^submit "$d/out")"
timeout 600 mpirun --oversubscribe -n 2 "$build/mtbench" plan --data-dir "$d" --bench-name smoke --reference smoke "${answering[@]}" "${own[@]}" >"$d/out" 2>"$d/err"
speed="$d/smoke/model_answer/m.speed"
[ -s "$speed" ] && grep -qF "by the steps of the last run in this layout ($speed)" "$d/out" && grep -q '^submit .* --time=0:0[0-9]:00 --signal' "$d/out"; ok $? "in the layout of the last run its steps tell the time: $(grep ^time "$d/out")"
cp "$speed" "$d/speed" && echo '{"step_s": -1}' >"$speed"
plan "${answering[@]}" "${own[@]}"
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q "delete $speed" "$d/err"; ok $? "a file of speeds that is none is told: $(cat "$d/err")"
cp "$d/speed" "$speed"
plan "${answering[@]}" "${own[@]}" --fresh
grep -q '^answers   16 turns, 0 done' "$d/out"; ok $? "--fresh starts anew"

run 2 --model-id m
plan "${answering[@]}" "${own[@]}"
grep -q '^answers   16 turns, 16 done, 0 to come' "$d/out" && ! grep -q 'answers to come' "$d/out"; ok $? "all answers are there"
tokens=$(word '^tokens    ([0-9]+) in.*')
plan --model-list m "${own[@]}"
[ "$(word '^tokens    ([0-9]+) in.*')" = "$tokens" ] && ! grep -q '^answers' "$d/out"; ok $? "and count the same as files of answers"
timeout 600 mpirun --oversubscribe -n 2 "$build/mtbench" judge --data-dir "$d" --bench-name smoke --reference smoke --model-list m "${own[@]}" --quiet --max-error-rate 1 >"$d/out" 2>"$d/err"
counted=$(python3 -c 'import json, sys; r = [json.loads(x) for x in list(open(sys.argv[1]))[1:]]; print(len(r), sum(x["tokens_in"] for x in r))' "$d/smoke/model_judgment/own_single.journal")
[ "$counted" = "16 $tokens" ]; ok $? "the judge then saw 16 calls of $tokens tokens, as planned: $counted"
plan --model-list m "${own[@]}"
grep -q '^judge     own, single: 16 judgments, 16 done, 0 calls to come' "$d/out" && ! grep -q '^tokens' "$d/out"; ok $? "then nothing is to come"

hosted=(--model-list m --judge-model gpt-x)
plan "${hosted[@]}"
grep -q '^tokens    [0-9]* in (estimated from their bytes), about 2720 out; at most [0-9]* in, 98304 out$' "$d/out" && grep -q '^price     unknown; give --price-in' "$d/out"; ok $? "a hosted judge's tokens are estimated; no price is invented"
plan "${hosted[@]}" --judge-tokenizer "$d/model" --price-in 30 --price-out 60
[ "$(word '^tokens    ([0-9]+) in \(counted with its tokenizer\).*')" = "$tokens" ]; ok $? "--judge-tokenizer counts them"
want=$(python3 -c "print('about \$ %.2f, at most \$ %.2f' % (($tokens * 30 + 2720 * 60) / 1e6, (2 * $tokens * 30 + 98304 * 60) / 1e6))")
grep -qF "price     $want (per million tokens \$ 30 in, \$ 60 out, as given)" "$d/out"; ok $? "price: $want"
printf 'gpt-x 10 20\n' >"$d/prices.txt"
plan "${hosted[@]}" --price-in 30
grep -qF "per million tokens \$ 30 in, \$ 20 out, in as given, out $d/prices.txt)" "$d/out"; ok $? "what no flag says is the file's, which is named: $(grep ^price "$d/out")"
rm "$d/prices.txt"
plan "${hosted[@]}" --price-in 30 --price-out 60 --max-cost 0.01
grep -q 'max-cost 0.01 would stop it before its end' "$d/out"; ok $? "a limit that is too low is told"
sed -E 's/"turns": \["[^"]*"/"turns": ["ERROR"/; 4q' "$d/smoke/model_answer/m.jsonl" >"$d/smoke/model_answer/half.jsonl"
tail -n +5 "$d/smoke/model_answer/m.jsonl" >>"$d/smoke/model_answer/half.jsonl"
plan --model-list half --judge-model gpt-x
grep -q '16 judgments, 0 done, 8 calls to come; 8 have no answer to judge$' "$d/out"; ok $? "failed answers need no call and are not done: $(grep ^judge "$d/out")"
cp "$d/smoke/model_answer/m.jsonl" "$d/smoke/model_answer/m2.jsonl"
for mode in pairwise-all pairwise-baseline; do
    flags=(--mode $mode --baseline-model m2 --repeat 2 --judge-model gpt-x --model-list m)
    [ $mode = pairwise-all ] && flags+=(m2)
    plan "${flags[@]}"
    OPENAI_API_KEY=k "$build/mtbench" judge --data-dir "$d" --bench-name smoke --reference smoke "${flags[@]}" --export "$d/calls" --quiet >/dev/null 2>&1
    grep -q " $(wc -l <"$d/calls") calls to come" "$d/out"; ok $? "$mode: as many calls as an export has: $(grep ^judge "$d/out")"
done

while IFS='|' read -r flags words; do
    # shellcheck disable=SC2086
    plan $flags
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -qF -- "$words" "$d/err"; ok $? "refused: $flags: $(cat "$d/err")"
done <<END
--model-id m|--model-path is missing
--model-path $d/model --model-id m --simulate -1|--simulate -1
--model-list m --simulate 4|--simulate: --model-path is missing
--model-list m --calibrate 4|--calibrate: --model-path is missing
--model-path $d/model --model-id m --calibrate -1|--calibrate -1
--model-path $d/none --model-id m|none
--model-list none|none.jsonl
--model-path $d/model --model-id m --mode pairwise-all|--mode pairwise-all
--model-path $d/model --model-id m --model-list m|--model-list
--model-list m --judge-tokenizer $d/none|--judge-tokenizer
--model-list m --judge-model gpt-x --max-cost 5|no price of gpt-x
--judge-constrained|local judge
--model-list m --judge-model own --judge-path $d/model --judge-provider openai|--judge-provider
--model-list m --judge-model own --judge-path $d/model --judge-base-url http://127.0.0.1:9|--judge-base-url
--model-list m --judge-provider opneai|opneai
--model-list m --fallback-judge x --fallback-provider opneai|--fallback-provider
--model-list m --judge-model own --judge-path $d/model --threads -3|--threads -3
--model-path $d/model --model-id m --max-new-token 9|max_new_token was 8 and is 9
END
plan "${answering[@]}" "${own[@]}" --device cuda
[ $rc -eq 77 ] && [ "$(said)" -eq 1 ]; ok $? "a GPU that is not there: $rc"
plan --model-list m "${own[@]}" --max-cost 5
[ $rc -eq 0 ]; ok $? "a local judge costs nothing, whatever --max-cost says"
OMP_NUM_THREADS=2,1 plan --model-list m "${own[@]}" --judge-model other
grep -q '^layout .* 2 threads each' "$d/out"; ok $? "OMP_NUM_THREADS says how many threads, if no flag does"
OMP_NUM_THREADS=2 plan --model-list m "${own[@]}" --judge-model other --threads 1
grep -q '^layout .* 1 thread each' "$d/out"; ok $? "the flag goes before it"

# Memory is for what there is: the judge's context does not matter, and four conversations are not eighty.
context() { # POSITIONS NAME: the model with another context
    cp -r "$d/model" "$d/$2" && sed -i "s/\"max_position_embeddings\": 2048/\"max_position_embeddings\": $1/" "$d/$2/config.json"
}
context 1048576 wide
context 300 narrow
plan --model-list m --judge-model other --judge-path "$d/wide" --judge-max-tokens 8
wide=$(word '^memory    ([0-9]+)\.[0-9] MB.*')
plan --model-list m --judge-model other --judge-path "$d/model" --judge-max-tokens 8
[ $rc -eq 0 ] && [ -n "$wide" ] && [ "$wide" = "$(word '^memory    ([0-9]+)\.[0-9] MB.*')" ]; ok $? "a judge with a context of a million tokens takes what its prompts need: $wide MB"
timeout 600 "$build/mtbench" judge --data-dir "$d" --bench-name smoke --reference smoke --model-list m --judge-model wide --judge-path "$d/wide" \
    --judge-max-tokens 8 --first-n 2 --quiet --max-error-rate 1 >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && grep -q '^judgments ./4' "$d/out"; ok $? "and judges with that"
plan --model-list m --judge-model other --judge-path "$d/narrow" --judge-max-tokens 8
grep -qE "[0-9]+ prompts? do(es)? not fit the judge's context of 300 tokens" "$d/out"; ok $? "$(grep -o '[0-9]* prompts* do.*' "$d/out" | head -1)"
plan --model-path "$d/model" --model-id few --max-new-token 8 --first-n 2 --num-choices 2
grep -q '(4 sequences of' "$d/out"; ok $? "four conversations are planned for as four"

sed -i '2s/Write/Writing/; 2s/"turns": \["/&So /' "$d/smoke/question.jsonl"
plan "${answering[@]}" "${own[@]}"
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'm.journal: question .* read otherwise' "$d/err"; ok $? "a question that has changed since is refused, as answering does: $(cat "$d/err")"
timeout 600 mpirun --oversubscribe -n 3 "$build/mtbench" plan --data-dir "$d" --bench-name smoke --reference smoke "${answering[@]}" "${own[@]}" --fresh >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && grep -q '^layout    3 ranks on 1 node' "$d/out" && [ "$(grep -c ^answers "$d/out")" -eq 1 ]; ok $? "under mpirun it says what three ranks would do, once"
echo "1..$n"
exit $bad
