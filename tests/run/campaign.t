#!/bin/bash
# `mtbench campaign LIST`: many tasks in one launch. Answers as single runs give them, a model read once, resume, bad lists.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
python3 tests/run/random_model.py "$d/other" 4
# campaign RANKS FLAGS...: the list is $d/list; exit code in $rc, output in $d/out and $d/err
campaign() {
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe ${sabotage:+-x LD_PRELOAD="$PWD/$build/tests/saboteur.so" -x SABOTAGE="$sabotage"} -n "$ranks" "$build/mtbench" campaign \
        "$d/list" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 --temperature 1.5 "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
digest_of() { sed -n "/^task  *[^ ]*  *$1 /,/^digest/s/^digest *//p" "$d/out"; } # of a task's model id
forget() { rm -rf "$answers"; }
list() { cat >"$d/list"; }

list <<LIST
# two models, two seeds
--model-path $d/model --model-id a-s1 --seed 1
--model-path $d/other --model-id b-s1 --seed 1

--model-path "$d/model" --model-id a-s2 --seed 2 --max-new-token 6
--model-path '$d/other' --model-id b-s2 --seed 2 # the last one
LIST
campaign 2 --verbose
[ $rc -eq 0 ] && [ "$(grep -c '^answers   16/16 turns   0 failed' "$d/out")" -eq 4 ]; ok $? "two models, two seeds, two ranks ($rc)"
[ "$(grep -c 'for a model of .*: 1.00 of its bytes' "$d/err")" -eq 2 ] && [ "$(grep -c 'weights have sha256' "$d/err")" -eq 2 ]
ok $? "each model is read once: $(grep -o 'read .* MB from files for a model of .* MB' "$d/err" | tr '\n' ',')"
grep '^line\|^[0-9]' "$d/out" | awk 'NR == 1 { next } { print $1, $2, $4, $5, $6, $7, $(NF - 1), $NF }' >"$d/table"
diff "$d/table" - <<'TABLE' >&2
2 a-s1 1 16 16 0 done 0
3 b-s1 1 16 16 0 done 0
5 a-s2 2 16 16 0 done 0
6 b-s2 2 16 16 0 done 0
TABLE
ok $? "the table has the list's order"
cp "$d/out" "$d/first"
same=0
while read -r id model seed tokens; do
    run 3 --model-path "$d/$model" --model-id "single-$id" --seed "$seed" --max-new-token "$tokens" --temperature 1.5 </dev/null
    [ "$(digest)" = "$(sed -n "/^task  *[^ ]*  *$id /,/^digest/s/^digest *//p" "$d/first")" ] && same=$((same + 1))
done <<'RUNS'
a-s1 model 1 8
b-s1 other 1 8
a-s2 model 2 6
b-s2 other 2 8
RUNS
[ $same -eq 4 ]; ok $? "each digest is that of a run on its own, on another number of ranks ($same of 4)"

campaign 2 --verbose
[ $rc -eq 0 ] && ! grep -q 'weights have sha256' "$d/err" && [ "$(grep '^digest' "$d/out")" = "$(grep '^digest' "$d/first")" ]
ok $? "a second start computes nothing"
rm "$answers"/b-s2.*
campaign 1 --verbose --format csv
[ $rc -eq 0 ] && [ "$(grep -c 'weights have sha256' "$d/err")" -eq 1 ] && [ "$(grep '^digest' "$d/out")" = "$(grep '^digest' "$d/first")" ]
ok $? "what is missing is made, by its model alone"
grep -q '^line,model,bench,seed,turns,of,failed,tokens,judge,score,judged,judgments_failed,status,exit$' "$d/out" && grep -q '^6,b-s2,smoke,2,16,16,0,[0-9]*,,,,,done,0$' "$d/out"
ok $? "the table as CSV: $(tail -1 "$d/out")"
campaign 1 --quiet --format json
sed -n '/^{/,$p' "$d/out" | python3 -c 'import json, sys; t = json.load(sys.stdin); sys.exit([r["line"] for r in t["rows"]] != [2, 3, 5, 6])'
ok $? "and as JSON"

# ---- a model that was removed when its lines were done ----
mv "$d/other" "$d/away"
campaign 2
[ $rc -eq 0 ] && grep -q 'list:3: .*The answers of all lines with this model are there, and are taken as they are' "$d/err" && [ "$(grep -c ' 16 .*done *0$' "$d/out")" -eq 4 ]
ok $? "is not missed: $(grep -o 'list:3: .*' "$d/err" | cut -c1-120)"
sed -i 's/--seed 2 #/--seed 7 #/' "$d/list"
campaign 2 --quiet
[ $rc -eq 1 ] && grep -q 'list:3: .*other' "$d/err"; ok $? "but where a line asks for another seed"
sed -i 's/--seed 7 #/--seed 2 #/' "$d/list"; rm "$answers/b-s2.jsonl"
campaign 1 --quiet
[ $rc -eq 1 ] && grep -q 'list:3: .*other' "$d/err"; ok $? "or answers are missing"
mv "$d/away" "$d/other"

# ---- in a job array: one task of the list ----
forget
list <<LIST
# --task counts tasks, not lines
--model-path $d/model --model-id a-s1 --seed 1 --max-new-token 8 # wins over the command line

--model-path $d/other --model-id b-s1 --seed 1 --judge-model j --reference smoke
LIST
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
campaign 2 --task 1 --max-new-token 3 --seed 5
[ $rc -eq 0 ] && [ "$(digest)" = "$(sed -n "/^task  *[^ ]*  *a-s1 /,/^digest/s/^digest *//p" "$d/first")" ] && ! grep -q '^line\|^task' "$d/out" && [ "$(ls "$answers")" = "$(printf '%s\n' a-s1.journal a-s1.jsonl a-s1.manifest a-s1.phases a-s1.speed)" ]
ok $? "--task 1: this task alone, by the flags of its line, as answer ends"
campaign 1 --task 2
[ $rc -eq 0 ] && grep -q 'list:4: is answered here and not judged' "$d/err" && grep -q '^answers   16/16' "$d/out" && [ ! -e "$d/smoke/model_judgment" ]
ok $? "a judge is for a job behind the array, which is said"
campaign 1 --task 3
[ $rc -eq 1 ] && grep -q -- '--task 3: .*list has 2 tasks; start the array by --array=1-2' "$d/err"; ok $? "a task that the list lacks: $(cat "$d/err")"

list <<<"--model-path $d/model --model-id a --judge-model j
--model-path $d/model --model-id a --judge-model k"
campaign 2 --task 2
[ $rc -eq 0 ] && [ ! -e "$answers/a.journal" ] && grep -q 'list:2: the task of line 1 makes these answers' "$d/err"; ok $? "of two lines that share their answers one task makes them"

# ---- stops and deaths ----
forget
list <<LIST
--model-path $d/model --model-id a-s1 --seed 1
--model-path $d/other --model-id b-s1 --seed 1
--model-path $d/model --model-id a-s2 --seed 2 --max-new-token 6
--model-path $d/other --model-id b-s2 --seed 2
LIST
sabotage=0:fdatasync:6:TERM campaign 2 --max-batch 2
[ $rc -eq 75 ] && grep -q ' not begun *75$' "$d/out" && grep -q ' stopped *75$' "$d/out"; ok $? "SIGTERM in the middle: exit 75, and the table says how far each is"
for at in 3 9 14; do
    sabotage=$((at % 2)):pwrite:$at:KILL SABOTAGE_PATH=smoke campaign 2 --max-batch 2
    [ $rc -ne 0 ] || break
done
campaign 3 --verbose
[ $rc -eq 0 ] && diff <(grep '^digest' "$d/out" | sort) <(grep '^digest' "$d/first" | sort) >&2; ok $? "after kills of ranks by -9 it goes on to the same digests"
double=$(for f in "$answers"/*.journal; do tail -n +2 "$f" | grep -o '"question_id": [0-9]*, "choice": [0-9]*, "turn": [0-9]*' | sort | uniq -d; done)
[ -z "$double" ]; ok $? "no finished turn was made twice$double"

# ---- one task that fails leaves the others ----
forget
run 1 --model-path "$d/model" --model-id a-s1 --seed 9 --temperature 1.5
campaign 2 --quiet
[ $rc -eq 1 ] && grep -q "list:1: .*seed" "$d/err" && grep -q '^1 .* failed *1$' "$d/out" && [ "$(grep -c ' done *0$' "$d/out")" -eq 3 ]
ok $? "answers of another seed under one name: that line fails, three are done: $(grep -o 'list:1: .*' "$d/err" | cut -c1-90)"

forget
export SABOTAGE_PATH=smoke
sabotage=0:pwrite:5:ENOSPC campaign 2 --quiet
unset SABOTAGE_PATH
[ $rc -eq 1 ] && grep -q 'No space left on device' "$d/err" && grep -q ' failed *1$' "$d/out" && [ "$(grep -c ' not begun ' "$d/out")" -eq 3 ]
ok $? "a full disk ends it with 1, not with a word to come back ($rc)"

# ---- a model that one node lacks ----
forget
list <<<"--model-path $d/model --model-id a
--model-path $d/other --model-id b"
export MTBENCH_TEST_RANKS_PER_NODE=1 SABOTAGE_PATH=/other/
sabotage=1:open:1:EACCES campaign 2 --quiet
unset MTBENCH_TEST_RANKS_PER_NODE SABOTAGE_PATH
[ $rc -eq 1 ] && grep -q 'list:2: .*/other/.* cannot be opened on this node: Permission denied; put the model .*(rank 1 on' "$d/err" && [ -z "$(ls "$answers" 2>/dev/null)" ]
ok $? "a model that the second node lacks is told before the first line computes: $(head -1 "$d/err" | cut -c1-150)"
campaign 2 --verbose
[ $rc -eq 0 ] && grep -q 'MB of the next model ahead' "$d/err"; ok $? "the next model is read ahead: $(grep -o 'read .* ahead' "$d/err")"

# ---- judges ----
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
stub=
trap '[ -z "$stub" ] || kill "$stub"; rm -rf "$d"' EXIT
python3 tests/judge/stub.py --port-file "$d/port" --log "$d/log" --key k >/dev/null 2>"$d/stub" &
stub=$!
for _ in $(seq 600); do [ -s "$d/port" ] && break; sleep 0.1; done
hosted="--judge-model j --judge-base-url http://127.0.0.1:$(cat "$d/port") --parallel 4"
OPENAI_API_KEY=k campaign 2 --reference smoke $hosted
[ $rc -eq 0 ] && [ "$(grep -c '^judgments 16/16   0 failed' "$d/out")" -eq 2 ] && [ "$(grep -c ' j *7\.00 *16 *0 *done *0$' "$d/out")" -eq 2 ]
ok $? "a hosted judge scores both, the table has the scores"
[ "$(grep -c '"answered": true' "$d/log")" -eq 33 ]; ok $? "32 calls, and one to see whether the judge is there: $(grep -c '"answered": true' "$d/log")"
forget
rm -rf "$d/smoke/model_judgment"
list <<<"--model-path $d/model --model-id a --judge-model j
--model-path $d/model --model-id a --judge-model k"
OPENAI_API_KEY=k campaign 2 --reference smoke ${hosted#--judge-model j}
[ $rc -eq 0 ] && [ "$(grep -c '^judgments 16/16   0 failed' "$d/out")" -eq 2 ] && [ "$(turns "$answers/a.journal")" -eq 16 ] && grep -qE '^2 +a .* k +7\.00 +16 +0 +done +0$' "$d/out"
ok $? "two judges of one model: answered once, judged by both"
list <<<"--model-path $d/model --model-id a
--model-path $d/other --model-id b"
cost() { sed -n 's/^judgments.*\$ \([0-9.]*\).*/\1/p' "$d/out" | head -1; }
forget
rm -rf "$d/smoke/model_judgment"
OPENAI_API_KEY=k campaign 1 --reference smoke $hosted --price-in 10 --price-out 10 --judge-max-tokens 60 --parallel 1
limit=$(python3 -c "print(1.5 * float('$(cost)'))")
forget
rm -rf "$d/smoke/model_judgment"
OPENAI_API_KEY=k campaign 1 --reference smoke $hosted --price-in 10 --price-out 10 --judge-max-tokens 60 --parallel 1 --max-cost "$limit"
[ $rc -eq 75 ] && grep -qE '^1 .* 16 +0 +done +0$' "$d/out" && grep -qE '^2 .* stopped +75$' "$d/out"
ok $? "--max-cost is of all lines together: \$ $limit, exit $rc"
forget
unset OPENAI_API_KEY
campaign 2 --reference smoke --judge-model gpt-4 --quiet
[ $rc -eq 77 ] && [ -z "$(ls "$answers" 2>/dev/null)" ]; ok $? "without a key nothing is computed: $(head -1 "$d/err" | cut -c1-120)"
campaign 2 --reference smoke --judge-model local --judge-path "$d/model" --judge-max-tokens 8 --verbose --max-error-rate 1
[ $rc -eq 0 ] && [ "$(grep -c 'weights have sha256' "$d/err")" -eq 3 ] && grep -q '^judge     local   smoke   2 models' "$d/out" && grep -q '^judgments [0-9]*/32 ' "$d/out" &&
    [ "$(grep -cE '^[12] .* local +[-0-9.]+ +[0-9]+ +[0-9]+ +done +0$' "$d/out")" -eq 2 ]
ok $? "a local judge is loaded once, behind all answers: $(grep '^judgments' "$d/out")"

# ---- bad lists: said before anything is computed ----
forget
refused() { # words that stderr must have, what, FLAGS...
    campaign 2 --quiet "${@:3}"
    [ $rc -eq 1 ] && [ "$(said)" -le 2 ] && grep -qF -- "$1" "$d/err" && [ -z "$(ls "$answers" 2>/dev/null)" ]
    ok $? "$2: $(head -1 "$d/err" | cut -c1-150)"
}
list <<<"82 --model-path $d/model --model-id a"
refused "list:1: 82: stands where a flag should" "a line that begins with a word" --question-ids 81
list <<<"--model-path $d/model --model-id a
--model-path $d/model --model-id b --sed 1"
refused "list:2: --sed: unknown flag; did you mean --seed?" "a flag that is none"
list <<<"--model-path $d/model --model-id a
--model-path $d/model --model-id b --max-new-token 0
--model-path $d/model
--model-path $d/model --model-id c --seed 'x"
refused "list:4: a ' that is never closed" "a quote that is open"
list <<<"--model-path $d/model --model-id a
--model-path $d/model --model-id b --max-new-token 0
--model-path $d/model"
refused "list:2: --max-new-token 0: is out of range; give 1 to 1048576 | $d/list:3: --model-id: missing" "two bad lines at once"
list <<<"--model-path $d/model --model-id a
--model-path $d/other --model-id a"
refused "list:2: would write $d/smoke/model_answer/a.jsonl, which line 1 writes" "two lines of one file"
list <<<"--model-path $d/model --model-id a
--model-path $d/absent --model-id b"
refused "list:2: --model-path $d/absent" "a model that is not there"
list <<<"--model-path $d/model --model-id a
--model-path $d/model --model-id b --bench-name none"
refused "list:2: --bench-name none" "a question set that is not there"
list <<<"--model-path $d/model --model-id a
--model-path $d/model --model-id b --chat-template nonsense"
refused "list:2: --chat-template" "a template that nobody knows"
list <<<"--model-path $d/model --model-id a --verbose"
refused "list:1: --verbose: is of the whole campaign" "a flag of the launch in a line"
list <<<"# nothing"
refused "list: no tasks in it" "an empty list"
rm "$d/list"
refused "$d/list: cannot" "no list"

echo "1..$n"
exit $bad
