#!/bin/bash
# TAP: `mtbench browse`: the page's numbers are those of `show`, whatever goes wrong while it is written leaves the old one, odd folders are shown or
# refused in one line, and 31 models x 80 questions x 2 judges keep within their limits of size, memory and time.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD build=$PWD/build/${VARIANT:-release} n=0 bad=0
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d)
trap 'chmod -R u+w "$d"; rm -rf "$d"' EXIT
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/out" "$d/err" 2>/dev/null | cut -c1-300 | head -20; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
python3 tests/run/bench_data.py "$d" || { echo "Bail out! no data"; exit 1; }
browse() { "$build/mtbench" browse --data-dir "$d" --bench-name smoke "$@" >"$d/out" 2>"$d/err"; }
check() { python3 "$root/tests/run/browse_check.py" "$build/mtbench" "$@" >"$d/out"; }

browse -o "$d/page.html" && [ ! -s "$d/err" ] && grep -q "^$d/page.html: 4 models, 8 questions, 80 answers, 384 judgments, 2 judges, .*; open it" "$d/out"
ok $? "a page: $(sed "s|$d/||" "$d/out")"
check "$d" smoke "$d/page.html"; ok $? "its tables and heat maps hold show's numbers, its policy names its parts, its links lead somewhere"
browse -o "$d/again.html" && cmp -s "$d/page.html" "$d/again.html"; ok $? "the same data, the same bytes"
(cd "$d" && "$build/mtbench" browse --data-dir . --bench-name smoke >out 2>err) && cmp -s "$d/smoke.html" "$d/page.html"; ok $? "without -o it is called after the question set"
browse --split "$d/pages" && check "$d" smoke "$d/pages/index.html" "$d"/pages/q*.html && [ "$(ls "$d/pages" | wc -l)" -eq 9 ]; ok $? "--split: a folder whose links lead somewhere"
"$build/mtbench" qa_browser.py --bench-name smoke --data-dir "$d" --host 0.0.0.0 --port 7860 --share -o "$d/q.html" >"$d/out" 2>"$d/err" &&
    cmp -s "$d/page.html" "$d/q.html" && grep -q 'no server.*--host, --port and --share' "$d/err" && [ "$(wc -l <"$d/err")" -eq 1 ]
ok $? "qa_browser with its flags: $(cat "$d/err")"
browse -o "$d/part.html" --category math coding --model-list beta delta --judge-model kind && grep -q '2 models, 2 questions, .*1 judge' "$d/out" &&
    ! grep -q 'alpha-7b' "$d/part.html"
ok $? "models, categories, judges can be chosen: $(sed "s|$d/||" "$d/out")"
chmod -R a-w "$d/smoke"; browse -o "$d/ro.html" && cmp -s "$d/page.html" "$d/ro.html"; ok $? "a folder that is read-only is read"; chmod -R u+w "$d/smoke"

# Whatever happens while it is written: the old page stands, and nothing else lies about.
echo old >"$d/old.html"
kept() { [ "$(cat "$d/old.html")" = old ] && [ "$(ls "$d" | grep -c 'old.html')" -eq 1 ]; }
for fault in pwrite:1:ENOSPC fsync:1:EIO rename:1:EACCES; do
    LD_PRELOAD=$build/tests/saboteur.so SABOTAGE=0:$fault SABOTAGE_PATH=old.html browse -o "$d/old.html"; rc=$?
    [ $rc -eq 1 ] && kept && [ ! -s "$d/out" ] && [ "$(grep -c '^mtbench: .*old.html: cannot' "$d/err")" -eq 1 ]; ok $? "$fault: $(sed "s|$d/||" "$d/err")"
done
LD_PRELOAD=$build/tests/saboteur.so SABOTAGE=0:pwrite:1:KILL SABOTAGE_PATH=old.html browse -o "$d/old.html" 2>/dev/null; rc=$?
[ $rc -eq 137 ] && [ "$(cat "$d/old.html")" = old ]; ok $? "killed while it writes"
rm -f "$d"/old.html.*
browse -o /dev/full; [ $? -eq 1 ] && [ -c /dev/full ] && grep -q '/dev/full: cannot write: No space' "$d/err"; ok $? "a full device: $(cat "$d/err")"
"$build/mtbench" browse --data-dir "$d" --bench-name smoke -o /dev/stdout 2>"$d/err" | tail -n +1 | grep -c '</html>' | grep -qx 1; ok $? "-o /dev/stdout, a pipe"
[ -L /dev/stdout ]; ok $? "which is still one"

# Refusals: exit 1, one line, nothing written.
refuse() { # what must be in the line, flags...
    local word=$1 rc
    shift
    browse "$@"; rc=$?
    [ $rc -eq 1 ] && [ ! -s "$d/out" ] && [ "$(wc -l <"$d/err")" -eq 1 ] && grep '^mtbench: ' "$d/err" | grep -qF -- "$word" && [ ! -e "$d/no.html" ]
    ok $? "refused: $(sed "s|$d|DIR|g" "$d/err" | cut -c1-160)"
}
refuse "$d/none/question.jsonl" -o "$d/no.html" --bench-name none
refuse '--model-list nobody' -o "$d/no.html" --model-list nobody
refuse '--judge-model nobody' -o "$d/no.html" --judge-model nobody
refuse 'is a folder' -o "$d"
refuse 'is a folder' -o "$d/new/"
refuse 'cannot write' -o "$d/none/page.html"
refuse '--output: not together with --split' -o "$d/no.html" --split "$d/x"
refuse 'is a file of records' -o "$d/smoke/question.jsonl"
refuse 'is a file of records' -o "$d/smoke/model_answer/beta.journal"
refuse '--sort' -o "$d/no.html" --sort
refuse 'gardening' -o "$d/no.html" --category gardening
mkdir -p "$d/bare" && cp "$d/smoke/question.jsonl" "$d/bare/"
refuse 'no answers and no judgments' -o "$d/no.html" --bench-name bare
cp -r "$d/smoke" "$d/torn" && echo '{"question_id": 1, "mod' >>"$d/torn/model_judgment/kind_single.jsonl"
refuse 'torn/model_judgment/kind_single.jsonl:65' -o "$d/no.html" --bench-name torn
cp -r "$d/smoke" "$d/torn2" && echo '{"question_id": 1, "choices": [{"index": 0, "turns": "x"}]}' >>"$d/torn2/model_answer/beta.jsonl"
refuse 'torn2/model_answer/beta.jsonl:9' -o "$d/no.html" --bench-name torn2
cp -r "$d/smoke" "$d/bytes" && cp "$d/bytes/model_answer/beta.jsonl" "$d/bytes/model_answer/$(printf 'b\xff').jsonl"
refuse 'no UTF-8' -o "$d/no.html" --bench-name bytes

# Odd folders that can be shown.
python3 - "$d" <<'PY'
import json, os, shutil, sys
top = sys.argv[1]
def bench(name, questions, answers, judgments):
    for path, rows in [("question.jsonl", questions)] + [("model_answer/%s.jsonl" % m, r) for m, r in answers.items()] + \
            [("model_judgment/%s.jsonl" % j, r) for j, r in judgments.items()]:
        path = os.path.join(top, name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.writelines(json.dumps(r) + "\n" for r in rows)
def answer(q, *turns): return {"question_id": q, "choices": [{"index": 0, "turns": list(turns)}]}
def single(q, m, turn=1, judge="j", score=5): return {"question_id": q, "model": m, "judge": [judge, "single-v1"], "user_prompt": "", "judgment": "so", "score": score, "turn": turn}
def question(q, turns): return {"question_id": q, "category": "c", "turns": ["t"] * turns}
long = "org/" + "n" * 296
names = ['a"b', "<script>alert(1)</script>"[:8], "with space & 'quote'", "\U0001f600", "%41", "q=1&a=2#", "\u202eevil"]
both = [question(1, 2), question(2, 1), question(-9007199254740991, 3)]
bench("names", both, {m: [answer(1, "x", "y")] for m in names}, {"j_single": [single(1, m) for m in names + [long]]})
bench("other", both, {"here": [answer(1, "x", "y")], "elsewhere": [answer(77, "z")]}, {"j_single": [single(1, "here"), single(77, "elsewhere")]})
bench("turns", [question(1, 4)], {"few": [answer(1, "x")], "many": [answer(1, *"abcdef")]}, {"j_single": [single(1, m, t) for m in ("few", "many") for t in (1, 2, 3, 4, 6)]})
bench("judgeless", both, {"m": [answer(1, "x", "y")]}, {})
bench("answerless", both, {}, {"j_single": [single(1, "m")], "j_pair": [{"question_id": 1, "model_1": "m", "model_2": "n", "g1_winner": "tie", "g2_winner": "model_1",
      "judge": ["j", "pair-v2"], "g1_judgment": "a", "g2_judgment": "b", "turn": 1}]})
bench("namesakes", both, {"m": [answer(1, "x", "y")]}, {"one_single": [single(1, "m", judge="j", score=3)], "two_single": [single(1, "m", judge="j", score=9)]})
bench("nan", both, {"m": [answer(1, None, "")]}, {"j_single": [single(1, "m", score=float("nan")), single(1, "m", 2, score=None), single(2, "m", score=11)]})
PY
for b in names other turns judgeless answerless nan; do
    browse --bench-name $b -o "$d/$b.html" && check "$d" $b "$d/$b.html"; ok $? "$b: $(cat "$d/out" "$d/err" | head -2 | cut -c1-150)"
done
says() { grep -qF -- "$2" "$d/$1.html"; }
says names 'id="q=1&amp;a=a%22b"' && says names 'id="q=1&amp;a=%F0%9F%98%80"' && says names 'id="q=1&amp;a=%2541"' && says names 'id="q=1&amp;a=org%2F' &&
    ! says names '<script>alert'
ok $? "names of any letters, 300 of them, are links and no markup"
says other 'judgments: of questions that the question set does not have: 1' && ! says other 'a=elsewhere"><h3>'; ok $? "a model that answered other questions is listed, and has nothing here"
says turns 'few, turn 4</h4><p class=failed>There is no answer' && says turns 'many, turn 6</h4><p>f'; ok $? "turns that are missing, and more than were asked"
says judgeless 'Nothing was judged yet'; ok $? "no judgments"
says answerless 'm against n on question 1' && says answerless 'There is no answer'; ok $? "judgments without answers"
browse --bench-name namesakes -o "$d/namesakes.html" && says namesakes '["j (in one)","j (in two)"]' && says namesakes 'data-v=3>' && says namesakes 'data-v=9>'
ok $? "two judges of one name stay two"
says nan 'no score</h4><p class=failed>no verdict can be read' && says nan '11</h4><p class=failed>the rating lies outside 1..10'; ok $? "scores that are none say why"

# The judge's journal says why there is no judgment.
python3 - "$d" "$build/mtbench" <<'PY'
import json, sys
top = sys.argv[1] + "/smoke/model_judgment/"
rows = [json.loads(line) for line in open(top + "kind_single.jsonl")]
with open(top + "kind_single.jsonl", "w") as f:
    f.writelines(json.dumps(r) + "\n" for r in rows if not (r["model"] == "delta" and r["question_id"] == 8 and r["turn"] == 2))
PY
browse -o "$d/missing.html" && says missing 'kind on turn 2: no judgment</h4><p class=failed>It is not in the file of judgments'; ok $? "a judgment that is not there is told of"

# Size, memory, time.
python3 tests/tools/made_bench.py "$d/made"
python3 - "$d" "$build/mtbench" >"$d/out" <<'PY'
import glob, json, os, resource, subprocess, sys
top, program = sys.argv[1:]
subprocess.run([program, "browse", "--data-dir", top, "--bench-name", "made", "-o", top + "/made.html"], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
texts = sum(len(t.encode()) for line in open(top + "/made/question.jsonl") for t in json.loads(line)["turns"])
for f in glob.glob(top + "/made/model_answer/*"):
    texts += sum(len(t.encode()) for line in open(f) for t in json.loads(line)["choices"][0]["turns"])
for f in glob.glob(top + "/made/model_judgment/*"):
    texts += sum(len(json.loads(line)["judgment"].encode()) for line in open(f))
size = os.path.getsize(top + "/made.html")
print("%.3f %d %.2f %.1f" % (size / texts, used.ru_maxrss // 1024, used.ru_utime + used.ru_stime, size / 1e6))
PY
read -r ratio mib seconds mb <"$d/out"
case ${VARIANT:-release} in
release)
    awk "BEGIN { exit !($ratio <= 1.3) }"; ok $? "31 models, 80 questions, 2 judges: $mb MB, $ratio times their texts (at most 1.3)"
    [ "$mib" -lt 150 ]; ok $? "in $mib MiB of memory (below 150)"
    awk "BEGIN { exit !($seconds < 2) }"; ok $? "in $seconds s of processor time (below 2)" ;;
*) skip "limits are those of the release" ;;
esac
python3 tests/tools/made_bench.py "$d/hundred" --models 100 --questions 8 --judges 1 --pairs 8
browse --bench-name hundred --split "$d/split" && grep -q '100 models' "$d/out" && [ -e "$d/split/q88.html" ] && [ "$(stat -c %s "$d/split/q88.html")" -lt 4000000 ]
ok $? "--split with 100 models: $(sed "s|$d/||" "$d/out")"

# Real folders, where they are here.
shared=${MTBENCH_SHARED:-$root/../shared}
for c in 'HuihuiChyan+SelfEval vicuna_bench' 'HuihuiChyan+SelfEval mt_bench' 'Stefanstud+FastChat mt_bench' 'FasterDecoding+Medusa mt_bench'; do
    read -r repository bench <<<"$c"
    [ -d "$shared/corpora/$repository" ] || { skip "$repository is not here"; continue; }
    mkdir -p "$d/real/$repository" && cp -r "$shared/corpora/$repository/$bench" "$d/real/$repository/" && chmod -R u+w "$d/real" &&
        cp "$shared/$bench/question.jsonl" "$d/real/$repository/$bench/" && gunzip -q "$d/real/$repository/$bench"/model_*/*.gz
    "$build/mtbench" browse --data-dir "$d/real/$repository" --bench-name "$bench" -o "$d/real.html" >"$d/out" 2>"$d/err" &&
        python3 tests/run/browse_check.py "$build/mtbench" "$d/real/$repository" "$bench" "$d/real.html" >>"$d/err"
    ok $? "$repository, $bench: $(cut -d: -f2 "$d/out" | head -1)"
done
echo "1..$n"
exit $bad
