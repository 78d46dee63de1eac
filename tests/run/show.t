#!/bin/bash
# TAP: `mtbench show` and `clean_judgment`. FastChat's layout to the character: on small files of our own against what its scripts printed
# (tests/golden/report), and, where they are here, on real judgments against its scripts run now; published rates; refusals in one line.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD n=0 bad=0
corpora=${MTBENCH_SHARED:-$root/../shared}/corpora
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cp tests/golden/report/*.jsonl "$d"
cd "$d" || exit 1
golden=$root/tests/golden/report
show() { "$root/mtbench" show "$@" 2>"$d/err"; }
as() { "$root/mtbench" "$@" 2>"$d/err"; }

# FastChat's format, from goldens. The first line of a golden is the command.
for g in "$golden"/*.txt; do
    read -r _ script args <"$g"
    [ "$script" = show_result ] || continue
    # shellcheck disable=SC2086
    diff <(tail -n +2 "$g") <("$root/mtbench" show_result.py $args 2>&1) >diff; ok $? "as FastChat printed it: show_result $args"
    sed 's/^/# /' diff
done
show --input-file thirds.jsonl --format fastchat | cmp -s - <(tail -n +2 "$golden/thirds.txt"); ok $? "show --format fastchat is the same"

# Own format.
out=$(show --input-file thirds.jsonl)
grep -qE '^one +8\.10 +[0-9.]+ \.\. [0-9.]+ +5 +1 +8\.50 +7\.83$' <<<"$out" && grep -qE '^two +4\.50 +- +2 +0' <<<"$out" && grep -q 'failed, and not in any mean: 1 unparsable' <<<"$out"
ok $? "a score of -1 is failed and not averaged; one question gives no interval: $(grep '^one' <<<"$out" | tr -s ' ')"
show --input-file thirds.jsonl --model-list two one | grep -cE '^(one|two|three|four) ' | grep -qx 2; ok $? "--model-list shows those models only"
python3 - <(show --input-file floats.jsonl --format json) <(show --input-file floats.jsonl --format csv) <<'PY'
import csv, json, sys
j, c = json.load(open(sys.argv[1])), list(csv.DictReader(open(sys.argv[2])))
assert len(j["rows"]) == len(c) == 9 and j["about"]["failed"] == 0
for a, b in zip(j["rows"], c):
    assert list(a) == list(b) and all(("" if v is None else str(v)) == b[k] for k, v in a.items()), (a, b)
    assert a["low"] < a["score"] < a["high"] and a["n"] == a["questions"] == 14
PY
ok $? "JSON and CSV are read back, and hold the same"
awk '{print} NR % 5 == 0 {print; sub(/"score": [0-9.]+/, "\"score\": -1"); print}' floats.jsonl >twice.jsonl
diff <(show --input-file floats.jsonl --format csv) <(show --input-file twice.jsonl --format csv) >/dev/null; ok $? "rows that are there again, failed ones too, change nothing"
show --input-file twice.jsonl | grep -q 'more than once'; ok $? "and that is said"
sed 's/"score": 7.3/"score": 8.3/' floats.jsonl >floats.repeat2.jsonl
out=$(show --input-file floats.jsonl --repeat 2 --format csv)
[ "$(head -1 <<<"$out" | grep -o 'repeat_sd\|variance_repeats' | wc -l)" -eq 2 ] && sed -n 2p <<<"$out" | grep -q ',28,'; ok $? "--repeat 2 reads FILE.repeat2.jsonl"
show --input-file floats.jsonl --compare m1 m2 | grep -qE '^m1 +m2 .* 14 '; ok $? "--compare pairs the questions"
show --mode pairwise-all --input-file pairs.jsonl | grep -qE '^m2 +0\.500 .* 0\.167 +6 +1 +1 +1 +4 +1 '; ok $? "pairs: rate, n, failed, win, loss, tie, flips"
show --mode pairwise-baseline --baseline-model m1 --input-file many.jsonl | grep -cE '^m[0-9] ' | grep -qx 5; ok $? "pairwise-baseline leaves the baseline's own row out"
mkdir -p data/set/model_answer
for q in 81 82; do echo "{\"question_id\": $q, \"category\": \"c$q\", \"turns\": [\"q\", \"q\"]}"; done >data/set/question.jsonl
out=$(show --input-file floats.jsonl --bench-name set --by category --format csv)
[ "$(grep -c ',c8[12],' <<<"$out")" -eq 18 ]; ok $? "--by category: a row per model and category"
show --input-file floats.jsonl --bench-name set --first-n 1 --format csv | sed -n 2p | grep -q ',1,1,0,'; ok $? "--first-n: one question"
for m in one two three four; do
    echo "{\"question_id\": 81, \"answer_id\": \"a\", \"model_id\": \"$m\", \"choices\": [{\"index\": 0, \"turns\": [\"$m$m$m\", \"$m\"]}], \"tstamp\": 1.0}" >data/set/model_answer/$m.jsonl
done
show --input-file thirds.jsonl --bench-name set --length-slope | grep -q '^(all, within each question)'; ok $? "--length-slope reads the answers"

# clean_judgment: with FastChat's names, FastChat's bytes.
official=(alpaca-13b baize-v2-13b chatglm-6b claude-instant-v1 claude-v1 dolly-v2-12b falcon-40b-instruct fastchat-t5-3b gpt-3.5-turbo gpt-4 gpt4all-13b-snoozy guanaco-33b
    guanaco-65b h2ogpt-oasst-open-llama-13b koala-13b llama-13b mpt-30b-chat mpt-30b-instruct mpt-7b-chat nous-hermes-13b oasst-sft-4-pythia-12b oasst-sft-7-llama-30b
    palm-2-chat-bison-001 rwkv-4-raven-14b stablelm-tuned-alpha-7b tulu-30b vicuna-13b-v1.3 vicuna-33b-v1.3 vicuna-7b-v1.3 wizardlm-13b wizardlm-30b)
for f in dirty dirty_pairs; do
    diff <(tail -n +2 "$golden/$f.txt") <(as clean_judgment --infile $f.jsonl --model-list "${official[@]}") >/dev/null && cmp -s "$golden/$f.clean" ${f}_clean.jsonl
    ok $? "clean_judgment on $f.jsonl: what FastChat says and writes"
done
as clean_judgment --infile dirty.jsonl | tail -1 | grep -qx '#in: 7, #out: 6'; ok $? "clean_judgment keeps all models unless some are named"

# Which judge: the only one there is, several side by side, one who judged for another; a question as people read it.
mkdir -p data/mt_bench/model_judgment data/mt_bench/model_answer
sed 's/"gpt-4"/"solo"/' floats.jsonl >data/mt_bench/model_judgment/solo_single.jsonl
show | grep -qx 'judge: solo' && grep -q 'no judgments by gpt-4 here; these are by solo' err; ok $? "without gpt-4's judgments the only judge's are shown, which is said: $(cat err)"
sed 's/"gpt-4"/"duo"/; 1,20s/"duo"/"spare"/' floats.jsonl >data/mt_bench/model_judgment/duo_single.jsonl
[ "$(show --judge-model all --format csv | grep -c ',solo,\|,duo,')" -eq 18 ]; ok $? "--judge-model all: a row for each model and judge"
show --judge-model solo duo | head -1 | grep -qE '^model +solo +duo +mean'; ok $? "two judges side by side"
show --judge-model spare | grep -qx 'judge: spare'; ok $? "what a fallback judged is found in the other's file"
show >out && exit 1; grep -q 'by duo, solo; choose' err; ok $? "two judges, neither of them gpt-4: $(cat err)"
printf '{"question_id": 82, "category": "stem", "turns": ["Why?"]}\n' >data/mt_bench/question.jsonl
printf '{"question_id": 82, "model_id": "m1", "choices": [{"index": 0, "turns": ["Because."]}]}\n' >data/mt_bench/model_answer/m1.jsonl
show --question 82 --judge-model solo >out; grep -qx 'Because.' out && grep -q '^== turn 1, m1, judged by solo: ' out; ok $? "--question prints answers and verdicts"
if command -v mpirun >/dev/null; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    [ "$(mpirun --oversubscribe -n 3 "$root/mtbench" show --judge-model solo 2>&1 | grep -cx 'judge: solo')" -eq 1 ]; ok $? "under mpirun one rank speaks"
else
    skip "no mpirun here"
fi
chmod -R a-w data; show --judge-model solo >out; ok $? "data that is read-only is read"; chmod -R u+w data; rm -r data
python3 - <<'PY'
import json
with open("null.jsonl", "w") as f:
    for model, q, score in (("a", 81, None), ("b", 81, 8), ("b", 82, None), ("c", 81, -1)):
        f.write(json.dumps(dict(question_id=q, model=model, judge=["j", "p"], judgment="", score=score, turn=1)) + "\n")
PY
as show_result --input-file null.jsonl | sed -n '/First turn/,/^$/p' | tr -s ' ' | grep -A9 '^model turn' | head -3 | tr '\n' '|' | grep -q '^model turn |b 1 8.0|a 1 NaN|$'
ok $? "null scores as pandas has them: NaN, in no mean, last"
show --input-file null.jsonl | grep -qE '^b +8\.00 .* 1 +1 '; ok $? "ours counts them as failed"

# Refusals: exit 1 and one line of ours.
refuse() { # what must be in the line, words...
    local word=$1 rc
    shift
    "$root/mtbench" "$@" >out 2>err
    rc=$?
    [ $rc -eq 1 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] && grep '^mtbench: ' err | grep -q -- "$word"
    ok $? "refused: $(head -1 err | cut -c1-150)"
}
: >empty.jsonl
cat thirds.jsonl pairs.jsonl >mixed.jsonl
{ cat thirds.jsonl; sed 's/"gpt-4"/"other"/' thirds.jsonl; } >judges.jsonl
refuse 'nothing.jsonl' show --input-file nothing.jsonl
refuse '--data-dir data' show --mode pairwise-all
refuse 'no judgments' show --input-file empty.jsonl
refuse 'no judgments' show_result --input-file empty.jsonl
refuse 'mixed.jsonl:13' show --input-file mixed.jsonl
refuse 'no judgment of model five; there are four, one' show --input-file thirds.jsonl --model-list one five
refuse '2 judges (gpt-4, other)' show --input-file judges.jsonl
refuse 'no judgment by it' show --input-file judges.jsonl --judge-model third
refuse 'judgments of pairs' show --input-file pairs.jsonl
refuse 'single answers' show --input-file thirds.jsonl --mode pairwise-all
refuse 'baseline gpt-3.5-turbo' show --input-file pairs.jsonl --mode pairwise-baseline
refuse 'two models' show --input-file thirds.jsonl --compare one
refuse 'question.jsonl' show --input-file thirds.jsonl --by category
refuse 'repeat2' show --input-file thirds.jsonl --repeat 2
refuse '--mode' show --mode triple
refuse '--format xml' show --format xml
refuse 'did you mean --input-file' show --input-fil3 x
refuse 'overwritten' clean_judgment --infile x.json
show --input-file judges.jsonl --judge-model other | grep -q '^judge: other'; ok $? "--judge-model chooses among the judges of a file"
as show_result --input-file thirds.jsonl --model-list nobody | grep -q '^Empty DataFrame'; ok $? "FastChat's format passes unknown names over, as FastChat does"

# Real judgments, where they are here.
if [ ! -d "$corpora" ]; then skip "the real judgments (shared/corpora) are not here"; echo "1..$n"; exit $bad; fi
mkdir -p real
for f in "$corpora"/*/*_bench/model_judgment/*.gz; do
    bench=$(dirname "$(dirname "$f")")
    zcat "$f" >"real/$(basename "$(dirname "$bench")")_$(basename "$bench")_$(basename "$f" .gz)"
done

# The win rates that were published beside the human votes, ties as half: votes become pair judgments, over the items that both judged.
zcat "$corpora"/aliabbas*/gpt4_pair.jsonl.gz >gpt4.votes
zcat "$corpora"/aliabbas*/human.jsonl.gz >human.votes
python3 - <<'PY'
import collections, json
def items(path):
    out = collections.defaultdict(list)
    for v in map(json.loads, open(path)):
        a, b, w = v["model_a"], v["model_b"], v["winner"]
        if a > b:
            a, b, w = b, a, {"model_a": "model_b", "model_b": "model_a"}.get(w, w)
        out[v["question_id"], v["turn"], a, b].append("tie" if "tie" in w else w)
    return out
def majority(votes):
    top = collections.Counter(votes).most_common(2)
    return "tie" if len(top) > 1 and top[0][1] == top[1][1] else top[0][0]
both = {"gpt4": items("gpt4.votes"), "human": items("human.votes")}
for who in both:
    with open(who + "_pairs.jsonl", "w") as f:
        for q, turn, a, b in sorted(both["gpt4"].keys() & both["human"].keys()):
            w = {"model_a": "model_1", "model_b": "model_2"}.get(majority(both[who][q, turn, a, b]), "tie")
            f.write(json.dumps(dict(question_id=q, model_1=a, model_2=b, g1_winner=w, g2_winner=w, judge=[who, "pair"], turn=turn)) + "\n")
PY
while IFS=, read -r model count gpt4 human; do
    for who in gpt4 human; do
        show --mode pairwise-all --input-file ${who}_pairs.jsonl --format csv >rates.csv
        awk -F, -v m="$model" -v n="$count" -v want="${!who}" '$1 == m { good = sprintf("%.4f", $2) == want && $8 == n } END { exit !good }' <(sed 's/,,/,-,/g' rates.csv)
        ok $? "published rate of $model, judged by $who: ${!who} over $count"
    done
done < <(tail -n +2 "$corpora/published/hf_discussion_human_vs_gpt4.csv" | tr -d '\r')

# FastChat and NVIDIA's evaluator, run now.
if ! python=$("$root/tests/peers/venv" report 2>err); then skip "$(head -1 err)"; echo "1..$n"; exit $bad; fi
site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
script=$site/fastchat/llm_judge
args=()
for f in real/*_single*.jsonl; do args+=("--input-file $f" "--input-file $f --bench-name vicuna_bench"); done
for f in real/*_pair*.jsonl *_pairs.jsonl many.jsonl; do args+=("--input-file $f --mode pairwise-all"); done
for f in real/*_pair*.jsonl; do args+=("--input-file $f --mode pairwise-baseline --baseline-model phi-3"); done
for a in "${args[@]}"; do
    # shellcheck disable=SC2086
    cmp -s <(COLUMNS=1000 "$python" "$script/show_result.py" $a 2>/dev/null) <(as show_result $a); ok $? "as FastChat prints it now: show_result $a"
done
for f in real/*.jsonl; do
    cp "$f" theirs.jsonl
    cp "$f" ours.jsonl
    "$python" "$script/clean_judgment.py" --infile theirs.jsonl >theirs.txt
    as clean_judgment --infile ours.jsonl --model-list "${official[@]}" | cmp -s - theirs.txt && cmp -s theirs_clean.jsonl ours_clean.jsonl
    ok $? "as FastChat cleans it now: $f"
    as clean_judgment --infile ours.jsonl >/dev/null && cmp -s <(sort ours_clean.jsonl) <(sort -u "$f"); ok $? "all of its records come out as the bytes that went in"
done
if [ ! -f "$root/data/mt_bench/question.jsonl" ]; then skip "data/mt_bench/question.jsonl is not here; data/fetch.sh brings it"; echo "1..$n"; exit $bad; fi
mkdir -p nv/llm_judge/scripts nv/llm_judge/data/mt_bench nv/judgements
cp "$site/mtbench_evaluator/fastchat/fastchat/llm_judge/scripts/render_result_json.py" nv/llm_judge/scripts/
cp "$root/data/mt_bench/question.jsonl" nv/llm_judge/data/mt_bench/
for f in real/*_mt_bench_gpt-4_single*.jsonl; do
    for m in $(show --input-file "$f" --format csv | tail -n +2 | cut -d, -f1); do      # NVIDIA's script takes one model a file
        grep -F "\"model\": \"$m\"" "$f" >nv/judgements/gpt-4_single.jsonl
        "$python" nv/llm_judge/scripts/render_result_json.py --workdir nv --reference-model gpt-4
        show --input-file "$f" --model-list "$m" --by category --format csv --data-dir "$root/data" >by.csv
        show --input-file "$f" --model-list "$m" --format csv >all.csv
        python3 - nv/result.json by.csv all.csv <<'PY'
import csv, json, sys
want, by, total = json.load(open(sys.argv[1])), list(csv.DictReader(open(sys.argv[2]))), next(csv.DictReader(open(sys.argv[3])))
assert abs(want["total"] - float(total["score"])) < 1e-12 and want["num_missing"] == int(total["failed"]), (want, total)
assert len(by) == 8 and all(abs(want["category"][r["category"]] - float(r["score"])) < 1e-12 for r in by), (want, by)
PY
        ok $? "as nvidia-mtbench-evaluator: $m of $(basename "$f")"
    done
done
echo "1..$n"
exit $bad
