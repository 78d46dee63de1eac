#!/bin/bash
# TAP: `mtbench report`: every number on the page is what `show --format json` prints (the page is read as a browser would), nothing in it can run or
# reach out, and it says of FastChat's folders what nobody recorded.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/out" "$d/err" 2>/dev/null | head -20; fi
}
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 tests/run/bench_data.py "$d" || { echo "Bail out! no data"; exit 1; }
report() { "$root/mtbench" report --data-dir "$d" --bench-name smoke "$@" >"$d/out" 2>"$d/err"; }

report -o "$d/r.html"; rc=$?
[ $rc -eq 0 ] && grep -qx "wrote     $d/r.html" "$d/out" && [ ! -s "$d/err" ]; ok $? "a page is written"
python3 tests/run/report_check.py "$d/r.html" "$d" "$root/mtbench" >"$d/out"; ok $? "its numbers are show's, its policy holds, it links to itself alone"
report -o "$d/again.html" && cmp -s "$d/r.html" "$d/again.html"; ok $? "equal input, equal bytes"
text() { # the words of a page, cells apart
    python3 -c 'import sys; sys.path.insert(0, "tests/run"); from report_check import Page; print(" ".join(" ".join(Page(open(sys.argv[1]).read()).text).split()))' "$1"
}
page=$(text "$d/r.html")
grep -q 'beta: 1 of 16 turns have no answer' <<<"$page" && grep -q 'beta 4 0 2 failed not recorded' <<<"$page"; ok $? "a turn without an answer is listed"
grep -q 'strict gamma-chat 2 2 2 unparsable not recorded' <<<"$page"; ok $? "a judgment without a verdict, of the second repeat too"
grep -q 'kind (single answers): no journal lies beside its judgments' <<<"$page" && grep -qE 'the program, the sampler, the seed.* why it ended alpha-7b, beta, delta, gamma-chat' <<<"$page"
ok $? "what FastChat does not record is said to be not recorded"
sha256sum "$d/smoke/question.jsonl" "$d/smoke/model_answer/delta.jsonl" | while read -r hash _; do grep -q "$hash" <<<"$page" || exit 1; done; ok $? "hashes of the files"
grep -qF "mpi $("$root/mtbench" --version | sed -n 's/^mpi *//p') cuda" <<<"$page" && grep -qF "$("$root/mtbench" --version | head -1)" <<<"$page"; ok $? "the versions are those of --version"

# A part of it, and the other form.
report -o "$d/part.html" --model-list alpha-7b delta --judge-model kind --category math coding
page=$(text "$d/part.html")
grep -q '2 models, 2 questions, 1 judge' <<<"$page" && ! grep -q 'gamma-chat' <<<"$page" && grep -q 'Only a part of the questions is told of: 2' <<<"$page"
ok $? "models, judges and questions can be chosen"
report -o "$d/r.md" --format markdown && grep -q '^## Scores' "$d/r.md" && grep -q 'strict: 4 of 128 judgments have no verdict' "$d/r.md"; ok $? "--format markdown"

# One model under two names, and a judge who is a model of the list.
python3 - "$d" <<'PY'
import sys
sys.path.insert(0, "tests/run")
from odd_data import answered, bench, judged
sys.stdout = sys.stderr
bench(sys.argv[1], "slashes", answers=answered("org_a", "b", "j"), single_by=[("j", judged("j", "org/a", "b")), ("k", judged("k", "b"))])
PY
slashes() { "$root/mtbench" report --data-dir "$d/slashes" --bench-name odd -o "$d/s.html" "$@" >"$d/out" 2>"$d/err" && page=$(text "$d/s.html"); }
slashes && grep -q '3 models' <<<"$page" && ! grep -qE 'No picture of lengths|org_a' <<<"$page" && [ "$(grep -o 'org/a: [^.]* are not here' <<<"$page" | wc -l)" -eq 0 ]
ok $? "ORG/NAME of judgments and ORG_NAME of answers are one model"
slashes --model-list org_a && grep -q '1 model, 3 questions, 1 judge' <<<"$page" && grep -q 'Left out: .*k_single.jsonl: no judgment of these models' <<<"$page"; ok $? "by either name"
slashes --model-list b j && grep -q '2 models, 3 questions, 2 judges' <<<"$page" && ! grep -q 'Left out' <<<"$page"; ok $? "a judge among the models that it has not judged"

# Judgments that are not there, one of them by a call that failed; one that another judge stood in for is there.
python3 - "$d" <<'PY'
import hashlib, json, sys
sys.path.insert(0, "tests/run")
from odd_data import answered, bench, judged
sys.stdout = sys.stderr
bench(sys.argv[1], "gaps", answers=answered("a", "b"), single_by=[("j", [r for r in judged("j", "a", "b") if (r["model"], r["question_id"]) != ("b", 82)]),
      ("k", judged("k", "a")[:-1] + judged("m", "a")[-1:])])
names = hashlib.sha256(b"j\0single-math-v1\0b\0\0").hexdigest()[:16]
with open(sys.argv[1] + "/gaps/odd/model_judgment/j_single.journal", "w") as f:
    f.write(json.dumps({"journal": "calls", "version": 1, "identity": {}, "info": {}}) + "\n")
    f.write(json.dumps({"key": "q82-t1-g1-r1-" + names, "content": "0" * 16, "status": "failed", "reason": "HTTP 500", "text": "", "tries": 1, "tstamp": 1}) + "\n")
PY
"$root/mtbench" report --data-dir "$d/gaps" --bench-name odd -o "$d/s.html" >"$d/out" 2>"$d/err"; page=$(text "$d/s.html")
grep -q 'j: 2 of 12 answers are not judged' <<<"$page" && grep -q 'j b 6 2 82 failed: HTTP 500' <<<"$page" && ! grep -qE '[km]: [0-9]+ of|k a 6' <<<"$page"
ok $? "answers that were not judged, and why"
"$root/mtbench" browse --data-dir "$d/gaps" --bench-name odd -o "$d/p.html" >"$d/out" 2>"$d/err" && grep -q 'j on turn 1: no judgment</h4><p class=failed>the call failed: HTTP 500' "$d/p.html" &&
    grep -q 'j on turn 2: no judgment</h4><p class=failed>It is not in the file' "$d/p.html" && [ "$(grep -o 'no judgment</h4>' "$d/p.html" | wc -l)" -eq 2 ]
ok $? "the page says so too, and of a stand-in's no word"

# A run of ours: what its journal and manifest know.
a=$d/smoke/model_answer
python3 - "$a" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1] + "/alpha-7b.jsonl")]
with open(sys.argv[1] + "/alpha-7b.journal", "w") as f:
    f.write(json.dumps({"journal": "turns", "version": 1, "identity": {"sampler": "top_k 50, top_p 1", "seed": "7", "template": "chatml 12ab", "numerics": "7",
            "model_sha256": "c0ffee", "max_new_token": "1024"}, "info": {"program": "mtbench 0.1.0", "weights": "F16", "layout": "2 ranks",
            "question_file_sha256": "0" * 64}}) + "\n")
    for row in rows:
        for t, text in enumerate(row["choices"][0]["turns"]):
            f.write(json.dumps({"question_id": row["question_id"], "choice": 0, "turn": t + 1, "status": "ok", "reason": None, "text": text,
                    "finish": "length" if t else "stop", "n_new": 10, "seconds": 0.5, "energy_j": 2}) + "\n")
PY
report -o "$d/r.html"; page=$(text "$d/r.html")
grep -q 'alpha-7b local weights mtbench 0.1.0 top_k 50, top_p 1 7 1024 chatml 12ab F16 7 2 ranks' <<<"$page"; ok $? "how a run of ours was made"
grep -q 'alpha-7b 1 16 0 0 8 0 160 8 32' <<<"$page" && grep -q 'alpha-7b: 8 of 16 answers ran into a limit' <<<"$page"; ok $? "cut answers, tokens, seconds, joules"
grep -q 'alpha-7b: answered when question.jsonl was another file (SHA-256 000000000000' <<<"$page"; ok $? "questions that changed since are told"
grep -qE 'alpha-7b [0-9a-f]{64} [0-9a-f]{64} c0ffee 0{64}' <<<"$page" && grep -q 'why it ended beta, delta' <<<"$page"; ok $? "hashes of its weights and questions"

# What a judge's journal knows of its failures, prompts and price.
python3 - "$d/smoke/model_judgment/strict_single.journal" <<'PY'
import hashlib, json, sys
def key(prompt, model, q, turn, repeat):
    names = hashlib.sha256(b"".join(s.encode() + b"\0" for s in ("strict", prompt, model, ""))).hexdigest()[:16]
    return "q%d-t%d-g1-r%d-%s" % (q, turn, repeat, names)
def call(key, status, reason=None, **more):
    return json.dumps({"key": key, "content": "0" * 16, "status": status, "reason": reason, "text": "", "model": "strict-0613", "sent": {"temperature": 0},
                       "tokens_in": 10, "tokens_out": 2, "tokens_estimated": False, "cost": 0.25, "tries": 1, "seconds": 1, "tstamp": 1, **more})
with open(sys.argv[1], "w") as f:
    f.write(json.dumps({"journal": "calls", "version": 1, "identity": {}, "info": {"program": "mtbench 0.1.0", "reference": "smoke", "judge_prompts_sha256": "1" * 64}}) + "\n")
    f.write(call(key("single-v1-multi-turn", "gamma-chat", 2, 2, 2), "filtered", "the filter <b>stood</b> in the way") + "\n")
    f.write(call(key("single-v1-multi-turn", "gamma-chat", 2, 2, 1), "ok") + "\n")
PY
report -o "$d/r.html"; page=$(text "$d/r.html")
grep -q 'strict gamma-chat 2 2 2 unparsable filtered: the filter <b>stood</b> in the way' <<<"$page" && grep -q 'strict gamma-chat 2 2 1 unparsable the judge replied, and no verdict could be read' <<<"$page"
ok $? "reasons of failed judgments come from the judge's journal, repeat by repeat"
grep -qE 'strict single answers 2 mtbench 0.1.0 strict-0613 \{"temperature": 0\} smoke 1{64} 2 20 4 0 0.5000' <<<"$page" && grep -q 'strict: judged when smoke/judge_prompts.jsonl was another file' <<<"$page"
ok $? "how the judge was asked, and what it cost"
"$root/mtbench" browse --data-dir "$d" --bench-name smoke -o "$d/p.html" >"$d/out" 2>"$d/err" && grep -q '2 calls, $ 0.5000' "$d/p.html"; ok $? "so does the page"
echo rubbish >"$d/smoke/model_answer/beta.journal"
report -o "$d/r.html"; page=$(text "$d/r.html")
[ $rc -eq 0 ] && grep -q 'Left out: .*beta.journal' <<<"$page" && ! grep -qF "$d" <<<"$page"; ok $? "a journal that cannot be read is told, and the page knows no path of this machine"

for args in "" "-o $d/x.html --judge-model nobody" "-o $d/x.html --model-list nobody" "-o $d/x.html --bench-name none" "-o $d/x.html camp.h5" "-o $d/smoke/question.jsonl" "-o -"; do
    # shellcheck disable=SC2086
    report $args; rc=$?
    [ $rc -eq 1 ] && [ ! -s "$d/out" ] && [ "$(grep -c '^mtbench: .*;' "$d/err")" -eq 1 ] && [ ! -e "$d/x.html" ]; ok $? "refused in one line: ${args:-no -o} - $(cut -c1-90 "$d/err")"
done
echo "1..$n"
exit $bad
