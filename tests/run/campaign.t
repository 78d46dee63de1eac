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

# ---- bad lists: said before anything is computed ----
forget
refused() { # words that stderr must have, what
    campaign 2 --quiet
    [ $rc -eq 1 ] && [ "$(said)" -le 2 ] && grep -qF -- "$1" "$d/err" && [ -z "$(ls "$answers" 2>/dev/null)" ]
    ok $? "$2: $(head -1 "$d/err" | cut -c1-150)"
}
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
list <<<"--model-path $d/model --model-id a --quiet"
refused "list:1: --quiet: is of the whole campaign" "a flag of the launch in a line"
list <<<"# nothing"
refused "list: no tasks in it" "an empty list"
rm "$d/list"
refused "$d/list: cannot" "no list"

echo "1..$n"
exit $bad
