#!/bin/bash
# TAP: mtbench verify: a run's turns come out again in every layout; what was changed in its files is found, with the token; what would not
# be the same run is refused.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
verify() { # RANKS FLAGS...
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe ${sabotage:+-x LD_PRELOAD="$PWD/$build/tests/saboteur.so" -x SABOTAGE="$sabotage"} -n "$ranks" "$build/mtbench" verify \
        --data-dir "$d" --bench-name smoke --quiet "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
line() { grep -c "^$1" "$d/out"; }
edit() { python3 - "$@" <<'PY'
import json, sys
path, question, choice, turn, change = sys.argv[1:]
lines = open(path).read().splitlines()
for i, line in enumerate(lines):
    r = json.loads(line)
    if path.endswith(".jsonl"):
        if r["question_id"] == int(question):
            turns = r["choices"][int(choice)]["turns"]
            turns[int(turn) - 1] = eval(change, {"text": turns[int(turn) - 1]})
            lines[i] = json.dumps(r)
    elif (r.get("question_id"), r.get("choice"), r.get("turn")) == (int(question), int(choice), int(turn)):
        r.update(eval(change, {"text": r["text"], "n": r["n_new"], "int": int}))
        lines[i] = json.dumps(r)
        print(r["n_new"], len(r["text"].encode()))
open(path, "w").write("\n".join(lines) + "\n")
PY
}
run 2 --model-id k --num-choices 2 && [ $rc -eq 0 ]; ok $? "a run of two choices, by category greedy or drawn"
cp -r "$answers" "$d/kept"
restore() { rm -rf "$answers"; cp -r "$d/kept" "$answers"; }

# ---- equal, whatever the layout
for ranks in 1 2 3; do
    verify $ranks --model-id k --all --max-batch $((ranks * 2)) --threads $ranks
    [ $rc -eq 0 ] && grep -qE '^verified +32/32 turns equal +0 differ +0 failed +0 altered +[0-9]+ tokens' "$d/out" && [ ! -s "$d/err" ]
    ok $? "all 32 turns again on $ranks ranks: equal"
done
# a model spread over two ranks, over four groups of threads, and two replicas of two ranks each
while read -r ranks spread total text; do
    verify $ranks --model-id k --sample 8 --device cpu --num-gpus-per-model $spread --num-gpus-total $total </dev/null
    [ $rc -eq 0 ] && grep -qE '^verified +8/8 turns equal' "$d/out"; ok $? "$text: equal"
done <<'END'
2 2 2 a model spread over two ranks
1 4 4 over four groups of threads
4 2 4 two replicas of two ranks each
END
verify 2 --model-id k; cp "$d/out" "$d/first"
grep -qE '^verified +16/16 turns equal' "$d/out" && [ $rc -eq 0 ] && [ "$(sed -n 's/^sample.*turns://p' "$d/out" | wc -w)" -eq 16 ]; ok $? "a sample is 16 turns, and says which"
[ "$(sed -n 's/^sample.*turns://p' "$d/out" | tr ' ' '\n' | grep . | cut -d/ -f1 | sort | uniq -c | awk '$1 != 2' | wc -l)" -eq 0 ]
ok $? "two of each category"
verify 1 --model-id k
[ "$(grep ^sample "$d/out")" = "$(grep ^sample "$d/first")" ]; ok $? "the same ones on one rank"
verify 1 --model-id k --sample 3 --sample-seed 7
grep -qE '^verified +3/3 ' "$d/out" && [ "$(grep ^sample "$d/out")" != "$(grep ^sample "$d/first")" ]; ok $? "--sample and --sample-seed choose others"
verify 1 --model-path "$d/model" --model-id k --max-new-token 8 --seed 0 --question-ids 3; grep -qE '^verified +4/4 ' "$d/out"; ok $? "the flags of answer are fine where they agree; one question"
verify 1 --answer-file "$answers/k.jsonl" --all --question-ids 1 2; [ $rc -eq 0 ] && grep -qE '^verified +8/8 ' "$d/out"; ok $? "a run named by its answer file"
timeout 600 "$build/mtbench" verify --answer-file "$answers/k.jsonl" --data-dir "$d" --sample 2 --quiet >"$d/out" 2>"$d/err"
[ $? -eq 0 ] && grep -qE '^verified +2/2 ' "$d/out"; ok $? "the bench is the run's, too; without a launcher"
diff -r "$answers" "$d/kept" >"$d/out" 2>"$d/err"; ok $? "nothing was written"
run 2 --model-id exact --temperature 0.123456789 --top-p 0.987654321 --question-ids 1 2
verify 1 --model-id exact; [ $rc -eq 0 ] && grep -qE '^verified +4/4 ' "$d/out"; ok $? "a temperature of more digits than a manifest has"

echo "{{ bos_token }}{{ strftime_now('%H:%M:%S') }}{% for m in messages %}{{ m.role }}: {{ m.content }} {% endfor %}" >"$d/clock.jinja"
run 2 --model-id clock --chat-template "$d/clock.jinja" --question-ids 1 2
sleep 1.1
verify 2 --model-id clock --all; [ $rc -eq 0 ] && grep -qE '^verified +4/4 ' "$d/out"; ok $? "a template that prints the time prints that of the run"

# ---- what was changed is found
differs() { # pattern of a line, text
    [ $rc -eq 2 ] && grep -qE "$1" "$d/out"; ok $? "$2: $(grep -E "$1" "$d/out" | head -1)"
}
edit "$answers/k.journal" 5 1 1 '{"text": "#" + text[1:]}' >/dev/null
verify 2 --model-id k --question-ids 5 6 --all
differs '^differs +question 5, choice 1, turn 1: token 0 is [0-9]+ ".*" here and [0-9]+ "#.*" in the run, byte 0$' "the first character of an answer"
grep -qE '^differs +question 5, choice 1, turn 2: its prompt is another one' "$d/out"; ok $? "and the turn behind it, whose prompt holds it"
grep -qE '^altered +question 5, choice 1, turn 1: token 0 ' "$d/out"; ok $? "and the answer file, which still has the old one"
grep -qE '^verified +6/8 turns equal +2 differ +0 failed +1 altered' "$d/out"; ok $? "six of eight are equal"
verify 2 --model-id k --question-ids 6 --all; [ $rc -eq 0 ]; ok $? "the other question alone is equal"
restore
read -r n_new bytes < <(edit "$answers/k.journal" 6 0 2 '{"text": text + "!"}')
verify 1 --model-id k --question-ids 6 --all
differs "^differs +question 6, choice 0, turn 2: token $n_new is the end of the answer here and [0-9]+ \".*!\" in the run, byte $((bytes - 1))\$" "a longer answer"
restore
read -r n_new bytes < <(edit "$answers/k.journal" 6 0 2 '{"text": text[:2]}')
verify 1 --model-id k --question-ids 6 --all
differs "^differs +question 6, choice 0, turn 2: token [0-9] is [0-9]+ \".*\" here and the end of the answer in the run, byte $bytes\$" "a shorter answer"
restore
edit "$answers/k.journal" 6 0 2 '{"text": text, "n_new": n - 1}' >/dev/null
verify 1 --model-id k --question-ids 6 --all
differs '^differs +question 6, choice 0, turn 2: the text is the same, but [0-9] tokens' "another number of tokens"
restore
edit "$answers/k.journal" 6 0 2 '{"temperature": 0.5}' >/dev/null
verify 1 --model-id k --question-ids 6 --all
differs '^differs +question 6, choice 0, turn 2: its record has another sampler' "another temperature in a record"
restore
edit "$answers/k.jsonl" 7 1 2 'text + " and more"'
verify 1 --model-id k --sample 1
differs '^altered +question 7, choice 1, turn 2: token [0-9]+ is the end of the answer in the journal and .* in the answer file' "an answer file that was changed"
restore

# ---- unfinished, failed
head -n 12 "$d/kept/k.journal" >"$answers/k.journal"; rm "$answers/k.jsonl"
verify 2 --model-id k --all
[ $rc -eq 0 ] && grep -qE '^verified +11/11 turns equal' "$d/out" && grep -qE '^left out +21 turns of these questions that the run has not answered' "$d/out"
ok $? "a run that was stopped half way, before it wrote its answer file"
restore
edit "$answers/k.journal" 8 0 2 '{"text": "", "status": "failed", "reason": "a reason"}' >/dev/null
rm "$answers/k.jsonl"
verify 1 --model-id k --question-ids 8 --all
[ $rc -eq 0 ] && grep -qE '^verified +3/3 turns equal' "$d/out" && grep -qE '^left out +1 turn that failed' "$d/out"; ok $? "a turn that failed is left out, and said"
restore
{ grep -v '"choice": 1' "$d/kept/k.journal"; sed -n '/"question_id": 8, "choice": 1, "turn": 1/s/"status": "ok"/"status": "failed", "reason": "a reason"/p' "$d/kept/k.journal"; } >"$answers/k.journal"
rm "$answers/k.jsonl"
verify 1 --model-id k --sample 2
[ $rc -eq 0 ] && grep -qE '^left out +1 turn that failed' "$d/out" && grep -qE '^left out +15 turns of these questions that the run has not answered' "$d/out"
ok $? "a choice of which one turn failed and no other was asked: $(grep -c '^left' "$d/out") lines"
restore
printf '%s' "$(head -c -40 "$d/kept/k.journal")" >"$answers/k.journal"
verify 1 --model-id k --all --question-ids 1
[ $rc -eq 0 ] && grep -qE '^verified +4/4 turns equal' "$d/out"; ok $? "a journal whose last line is torn, as a killed run leaves it"
grep -qE '^left out +27 finished turns of other questions' "$d/out"; ok $? "turns of questions that were not chosen are told"
restore
sed -i 8d "$d/smoke/question.jsonl"
verify 1 --model-id k --sample 2
[ $rc -eq 0 ] && grep -qE '^left out +4 finished turns of other questions' "$d/out"; ok $? "and those of a question that the file has no more"
cp data/smoke/question.jsonl "$d/smoke/"
head -n 1 "$d/kept/k.journal" >"$answers/k.journal"
verify 1 --model-id k; [ $rc -eq 1 ] && grep -q 'no finished turn' "$d/err"; ok $? "a run without a turn: $(head -1 "$d/err")"
restore
sabotage=1:calloc:90:USR1
verify 2 --model-id k --all --max-batch 1
sabotage=
[ $rc -eq 75 ] && grep -q '^verified ' "$d/out"; ok $? "a signal ends it in exit code $rc"

# ---- what is no such run is refused
refused() { # words, text, flags...
    local words=$1 text=$2
    shift 2
    verify 2 "$@"
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -qF -- "$words" "$d/err" && [ ! -s "$d/out" ]; ok $? "$text: $(head -1 "$d/err" | cut -c1-150)"
}
refused 'seed was 0 and is 5' "another seed" --model-id k --seed 5
refused 'max_new_token was 8 and is 9' "another limit" --model-id k --max-new-token 9
refused 'temperature by category' "a temperature" --model-id k --temperature 0.7
refused 'top_k 3' "another top-k" --model-id k --top-k 3
refused 'template was' "another template" --model-id k --chat-template zero_shot
refused 'unknown flag' "flags of making answers" --model-id k --fresh
refused '--sample 0' "an empty sample" --model-id k --sample 0
refused '--model-id: missing' "no run named" --sample 3
refused 'there is no such run' "a name that has no answers" --model-id nobody
sed -i 's/"cpu-f32-kv16-v1, /"cuda-sm90-bf16-kv16-v1, /' "$answers/k.journal"
refused 'numerics was cuda-sm90' "other numerics" --model-id k
restore
cp "$answers/k.jsonl" "$answers/foreign.jsonl"
refused 'another program made these answers' "answers without a journal" --model-id foreign
sed 's/"journal": "turns"/"journal": "calls"/' "$d/kept/k.journal" | head -1 >"$answers/foreign.journal"
refused 'is a journal of calls' "answers of api-answer" --model-id foreign
sed -i '1s/"turns": \["/"turns": ["x/' "$d/smoke/question.jsonl"
refused ': read otherwise when it was answered' "a question that was changed" --model-id k
cp data/smoke/question.jsonl "$d/smoke/"
mkdir "$d/other" && cp data/smoke/question.jsonl "$d/other"
verify 1 --answer-file "$answers/k.jsonl" --bench-name other; [ $rc -eq 1 ] && grep -q 'that run answered smoke' "$d/err"; ok $? "another bench: $(head -1 "$d/err")"
other_weights
refused 'model_sha256 was' "a model with another number in it" --model-id k
other_weights
python3 tests/run/random_model.py "$d/deep" 3
refused 'model_header_sha256 was' "a model of another shape" --model-id k --model-path "$d/deep"
verify 2 --model-id k --sample 2; [ $rc -eq 0 ]; ok $? "the model itself again: equal"
timeout 60 "$build/mtbench" verify --help >"$d/out" 2>"$d/err" && grep -q -- '--sample-seed' "$d/out" && ! grep -q -- '--fresh' "$d/out"; ok $? "--help"
echo "1..$n"
exit $bad
