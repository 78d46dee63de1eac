#!/bin/bash
# `mtbench run`: answers, judgments and the table in one launch, beside a stub of a hosted judge and with a judge of our own engine.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
stub=
stop_stub() { [ -z "$stub" ] || kill "$stub" 2>/dev/null; stub=; }
trap 'stop_stub; rm -rf "$d"' EXIT
start_stub() { # flags of stub.py
    stop_stub
    rm -f "$d/port"
    python3 tests/judge/stub.py --port-file "$d/port" --log "$d/log" --key k "$@" >/dev/null 2>"$d/stub" &
    stub=$!
    for _ in $(seq 6000); do [ -s "$d/port" ] && break; sleep 0.1; done
    url=http://127.0.0.1:$(cat "$d/port")
}
# all RANKS FLAGS...: exit code in $rc, output in $d/out and $d/err
all() {
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe -n "$ranks" "$build/mtbench" run --model-path "$d/model" --model-id m --data-dir "$d" --bench-name smoke \
        --max-new-token 8 --max-batch 2 --reference smoke ${quiet---quiet} "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
hosted() { local ranks=$1; shift; OPENAI_API_KEY=${key:-k} all "$ranks" --judge-model j --judge-base-url "$url" --parallel "${parallel:-4}" "$@"; }
calls() { grep -c '"answered": true' "$d/log"; }
forget() { rm -rf "$d/smoke/model_answer" "$d/smoke/model_judgment"; }

start_stub
key=wrong hosted 2
[ $rc -eq 77 ] && [ "$(said)" -eq 1 ] && [ ! -e "$answers/m.jsonl" ]; ok $? "a wrong key ends it before anything is answered ($rc)"
hosted 3 --bench-name smoke --judge-file "$d/none.jsonl"
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q none.jsonl "$d/err"; ok $? "so does a missing prompt file"

: >"$d/log"
hosted 3
[ $rc -eq 0 ] && grep -q '^answers   16/16 turns   0 failed' "$d/out" && grep -q '^judgments 16/16   0 failed' "$d/out"; ok $? "16 answers and 16 judgments on three ranks"
grep -qE '^m +7\.00 .* 16 +0 +7\.00 +7\.00$' "$d/out"; ok $? "the table follows"
"$build/mtbench" report --data-dir "$d" --bench-name smoke -o "$d/report.html" >/dev/null 2>"$d/err" && grep -q ">$(sed -n 's/^digest *//p' "$d/out")<" "$d/report.html" && ! grep -qi 'not recorded</td>' "$d/report.html"
ok $? "and a report, which has the digest of the answers and lacks nothing"
! grep -q '^look' "$d/out"; ok $? "--quiet offers no page"
python3 - "$answers/m.journal" "$d/smoke/model_judgment/j_single.journal" <<'PY'
import json, sys
turns, judged = ([json.loads(line)["tstamp"] for line in list(open(p))[1:]] for p in sys.argv[1:])
sys.exit(not min(judged) < max(turns))
PY
ok $? "the first judgment is there before the last answer"
[ "$(calls)" -eq 17 ]; ok $? "16 calls and one to see whether the judge is there: $(calls)"
before=$(cat "$d/smoke/model_judgment/j_single.jsonl")
quiet= hosted 2
[ "$(tail -1 "$d/out")" = "look: mtbench browse --data-dir $d --bench-name smoke --model-list m --judge-model j -o page.html" ]; ok $? "and how to look at it: $(tail -1 "$d/out")"
[ $rc -eq 0 ] && [ "$(calls)" -eq 18 ] && [ "$before" = "$(cat "$d/smoke/model_judgment/j_single.jsonl")" ]; ok $? "a second start asks only whether the judge is there"

forget
hosted 2 --first-n 2
before=$(calls)
other_weights
hosted 2
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'model_sha256 was .* and is .*; use another --model-id' "$d/err" && [ "$(calls)" -le $((before + 1)) ] &&
    [ "$(turns "$answers/m.journal")" -eq 4 ]
ok $? "other weights in the same file do not go on with these answers, and nothing more is judged: $(grep -o -m 1 'answers under this id.*is .\{8\}' "$d/err")"
other_weights
hosted 2
[ $rc -eq 0 ] && grep -q '^answers   16/16' "$d/out" && grep -q '^judgments 16/16' "$d/out"; ok $? "the first weights do"

forget
: >"$d/log"
start_stub --delay 0.3
(
    parallel=1 hosted 2 --first-n 4
    echo "$rc" >"$d/code"
) &
for _ in $(seq 12000); do [ "$(calls)" -ge 3 ] && break; sleep 0.05; done    # the first call only asks whether the judge is there
# shellcheck disable=SC2046
kill -USR1 $(pgrep -f "^mpirun .*--data-dir $d ")
wait $!
[ "$(cat "$d/code")" -eq 75 ] && [ "$(tail -n +2 "$d/smoke/model_judgment/j_single.journal" | wc -l)" -lt 8 ]; ok $? "a signal while it judges ends it with 75: $(cat "$d/code")"
hosted 3 --first-n 4
[ $rc -eq 0 ] && grep -q '^judgments 8/8' "$d/out"; ok $? "the next start goes on to the end"
[ "$(grep '"answered": true' "$d/log" | sed 's/.*"id": "\([^"]*\)".*/\1/' | sort | uniq -d | wc -l)" -le 1 ]; ok $? "no judgment was asked for twice"

forget
start_stub
all 2 --judge-model own --judge-path "$d/model" --judge-constrained --judge-max-tokens 8 --max-error-rate 1
[ $rc -eq 0 ] && grep -q '^judgments 16/16' "$d/out" && grep -q 'nothing about the model' "$d/out"; ok $? "a local judge on the same ranks; a small one is said to mean nothing"
python3 tests/run/forced.py "$build/mtbench" "$d/model" "$d/smoke" own >"$d/out" 2>"$d/err"; ok $? "its verdicts and expected scores are those of the logits behind the bracket: $(cat "$d/out")"
cp "$d/smoke/model_judgment/own_single.jsonl" "$d/two"
forget
all 1 --judge-model own --judge-path "$d/model" --judge-constrained --judge-max-tokens 8 --max-error-rate 1
[ $rc -eq 0 ] && diff <(sed 's/"tstamp".*//' "$d/two") <(sed 's/"tstamp".*//' "$d/smoke/model_judgment/own_single.jsonl") >"$d/err"; ok $? "one rank comes to the same judgments as two"

forget
cp -r "$d/model" "$d/judge"
judged=(--judge-model own --judge-path "$d/judge" --judge-constrained --judge-max-tokens 8 --max-error-rate 1)
all 2 "${judged[@]}" --first-n 2
other_weights "$d/judge"
all 2 "${judged[@]}"
[ $rc -eq 1 ] && grep -q 'own_single.journal: holds judgments by other weights: .* was .* and is ' "$d/err" &&
    [ "$(tail -n +2 "$d/smoke/model_judgment/own_single.journal" | wc -l)" -eq 4 ]
ok $? "another judge in the same file does not go on with its judgments: $(grep -o -m 1 'holds judgments.*is .\{8\}' "$d/err")"
other_weights "$d/judge"
all 2 "${judged[@]}"
[ $rc -eq 0 ] && grep -q '^judgments 16/16' "$d/out"; ok $? "the first one does"

# A judge whose template prints the time: what two starts judge is what one start would have, at the instant of the first.
forget
python3 - "$d/judge/tokenizer_config.json" <<'PY'
import json, sys
config = json.load(open(sys.argv[1]))
config["chat_template"] = "{{ strftime_now('%S %M %H %S') }}" + config["chat_template"]
json.dump(config, open(sys.argv[1], "w"))
PY
timed() { all 2 "${judged[@]}" "$@"; }
timed --first-n 2
sleep 1.1
timed
said_by_all() { sed 's/"tstamp".*//' "$d/smoke/model_judgment/own_single.jsonl" | sort; }
said_by_all >"$d/two"
head -1 "$d/smoke/model_judgment/own_single.journal" >"$d/head"
rm -r "$d/smoke/model_judgment" && mkdir "$d/smoke/model_judgment" && mv "$d/head" "$d/smoke/model_judgment/own_single.journal"
sleep 1.1
timed
[ $rc -eq 0 ] && [ "$(wc -l <"$d/two")" -eq 16 ] && diff "$d/two" <(said_by_all) >"$d/err"
ok $? "a judge's template prints one instant, however often it was started"

forget
own=(--judge-model own --judge-path "$d/model" --judge-constrained --judge-max-tokens 500 --max-error-rate 1)
(
    all 2 "${own[@]}"
    echo "$rc" >"$d/code"
) &
for _ in $(seq 12000); do [ -e "$answers/m.jsonl" ] && [ -e "$d/smoke/model_judgment/own_single.journal" ] && break; sleep 0.05; done
sleep 0.3
before=$(date +%s)
# shellcheck disable=SC2046
kill -USR1 $(pgrep -f "^mpirun .*--data-dir $d ")
wait $!
[ "$(cat "$d/code")" -eq 75 ] && [ $(($(date +%s) - before)) -lt 300 ]; ok $? "a signal while the ranks judge ends it with 75, long before the judging would end: $(cat "$d/code")"
all 2 "${own[@]}"
[ $rc -eq 0 ] && grep -q '^judgments 16/16' "$d/out"; ok $? "the next start judges to the end: $rc"
! grep -q '"status": "failed"' "$d/smoke/model_judgment/own_single.journal"; ok $? "and nothing that was broken off is on record as failed"

forget
: >"$d/log"
hosted 2 --num-choices 2 --temperature 1.5 --first-n 3
python3 - "$answers/m.jsonl" "$d/smoke/model_judgment/j_single.jsonl" <<'PY' >"$d/out" 2>"$d/err"
import json, sys
answers = {a["question_id"]: a["choices"] for a in map(json.loads, open(sys.argv[1]))}
seen = 0
for j in map(json.loads, open(sys.argv[2])):
    first, other = (c["turns"][j["turn"] - 1] for c in answers[j["question_id"]])
    assert first != other and first in j["user_prompt"] and other not in j["user_prompt"], j["question_id"]
    seen += 1
assert seen == 6, seen
PY
ok $? "of two choices the first is judged, as FastChat does it"
[ $rc -eq 0 ] && [ "$(calls)" -eq 7 ]; ok $? "once each: $(calls) calls"

# A baseline whose answers are not all there, and an answer that cannot be made.
sed 's/"model_id": "m"/"model_id": "base"/' "$answers/m.jsonl" | head -2 >"$d/base"
forget
mkdir -p "$answers" && cp "$d/base" "$answers/base.jsonl"
: >"$d/log"
pairs=(--mode pairwise-baseline --baseline-model base --first-n 3)
hosted 2 "${pairs[@]}"
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q '^mtbench: base: no answer to turn' "$d/err" && [ ! -e "$answers/m.journal" ] && [ "$(calls)" -eq 0 ]
ok $? "a baseline that lacks an answer ends it before anything is computed ($rc): $(head -1 "$d/err")"
timeout 600 "$build/mtbench" plan --model-path "$d/model" --model-id m --data-dir "$d" --bench-name smoke --reference smoke --judge-model j "${pairs[@]}" \
    >"$d/out" 2>"$d/err"
rc=$?
[ $rc -eq 1 ] && grep -q '^mtbench: base: no answer to turn' "$d/err"; ok $? "plan says so too: $rc"
echo '["[[C]]"]' >"$d/ties"
start_stub --replies "$d/ties"
hosted 2 "${pairs[@]}" --max-error-rate 0.5
start_stub
[ $rc -eq 0 ] && grep -q '^judgments 4/6   2 failed' "$d/out"; ok $? "within --max-error-rate the others are judged: $rc, $(grep '^judgments' "$d/out")"
forget
mkdir "$d/long" && cp -r "$d/smoke/." "$d/long/"
python3 - "$d/long/question.jsonl" <<'PY'
import json, sys
q = [json.loads(line) for line in open(sys.argv[1])]
q[1]["turns"][1] = "again and " * 4000
open(sys.argv[1], "w").writelines(json.dumps(x) + "\n" for x in q)
PY
hosted 2 --bench-name long --first-n 3 --max-error-rate 0.2
[ $rc -eq 0 ] && grep -q '^answers   5/6 turns   1 failed' "$d/out" && grep -q '^judgments 5/6   1 failed' "$d/out"
ok $? "a turn that failed keeps no other from being judged: $rc, $(grep '^judgments' "$d/out")"
OPENAI_API_KEY=k timeout 600 "$build/mtbench" judge --data-dir "$d" --bench-name long --reference smoke --judge-model j --judge-base-url "$url" --first-n 3 \
    --max-error-rate 0.4 --quiet >"$d/out" 2>"$d/err"
rc=$?
[ $rc -eq 0 ]; ok $? "nor does judge: $rc, $(grep '^judgments' "$d/out")"

forget
hosted 2 --device cuda
[ $rc -eq 77 ] && [ "$(said)" -eq 1 ] && [ ! -e "$answers/m.jsonl" ]; ok $? "a GPU that is demanded and not there ends it: $rc"
hosted 2 --mode pairwise-all
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ]; ok $? "all pairs of one model are refused"
echo "1..$n"
exit $bad
