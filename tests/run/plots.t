#!/bin/bash
# TAP: `mtbench show --plot`: figures in the pictures are those of `show --format json`; words as a browser lays them out; files; refusals.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' err | tail -5; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 tests/run/bench_data.py "$d/data" && python3 tests/run/plots_check.py many "$d/many" 31 || { echo "Bail out! no data"; exit 1; }
cd "$d" || exit 1
mkdir one && python3 - data/smoke one/smoke <<'PY'
import json, os, shutil, sys
os.makedirs(sys.argv[2] + "/model_judgment")
shutil.copy(sys.argv[1] + "/question.jsonl", sys.argv[2])
with open(sys.argv[2] + "/model_judgment/strict_single.jsonl", "w") as f:
    f.writelines(line for line in open(sys.argv[1] + "/model_judgment/strict_single.jsonl") if json.loads(line)["model"] == "beta")
PY
show() { "$root/mtbench" show --bench-name smoke "$@" 2>err; }
check() { python3 "$root/tests/run/plots_check.py" "$@" 2>err; }
picture() { # name, what it is, words of the picture, -- words of the table
    local name=$1 what=$2 drawn=()
    shift 2
    while [ "$1" != -- ]; do drawn+=("$1"); shift; done
    shift
    show "${drawn[@]}" -o "$name.svg" && show "$@" --format json >table.json && check marks "$name.svg" table.json
    ok $? "$what: every row of the table is a mark with its figures"
}

s=(--data-dir data --judge-model strict)
picture radar "radar" "${s[@]}" --plot radar -- "${s[@]}" --by category
picture scores "scores" "${s[@]}" --plot scores -- "${s[@]}"
picture repeats "scores of two repeats" "${s[@]}" --plot scores --repeat 2 -- "${s[@]}" --repeat 2
picture judges "scores of two judges" --data-dir data --judge-model all --plot scores -- --data-dir data --judge-model all
picture turns "turns" "${s[@]}" --plot turns -- "${s[@]}" --by turn
picture pairs "win rates of all pairs" "${s[@]}" --plot winrate -- "${s[@]}" --mode pairwise-all --by pair
picture base "win rates against a baseline" "${s[@]}" --plot winrate --mode pairwise-baseline --baseline-model beta -- "${s[@]}" --mode pairwise-baseline --baseline-model beta
picture length "length" "${s[@]}" --plot length -- "${s[@]}" --length-slope
picture some "of two models and one category" "${s[@]}" --plot scores --model-list alpha-7b delta --category math -- "${s[@]}" --model-list alpha-7b delta --category math
picture single "of one model" --data-dir one --plot radar -- --data-dir one --by category
picture file "of a file that is named" --data-dir data --input-file data/smoke/model_judgment/kind_single.jsonl --plot turns -- --data-dir data --input-file data/smoke/model_judgment/kind_single.jsonl --by turn
for kind in radar scores turns; do
    case $kind in radar) by=(--by category) ;; turns) by=(--by turn) ;; *) by=() ;; esac
    picture many_$kind "31 models with odd names, $kind" --data-dir many --plot $kind -- --data-dir many "${by[@]}"
done
picture many_winrate "31 models with odd names, all pairs" --data-dir many --plot winrate -- --data-dir many --mode pairwise-all --by pair
show "${s[@]}" --mode pairwise-all --by pair --format json >pairs.json
show "${s[@]}" --mode pairwise-all --compare delta beta --format json >two.json
python3 - <<'PY' 2>err
import json
want = json.load(open("two.json"))["rows"]
rows = [r for r in json.load(open("pairs.json"))["rows"] if r["model"] == "delta" and r["against"] == "beta"]
want = next(r for r in want if r["model"] == "delta")
assert len(rows) == 1 and all(rows[0][k] == v for k, v in want.items()), (rows, want)
PY
ok $? "a pair's line is what --compare says of the two"

# A campaign file.
"$root/mtbench" aggregate data -o c.h5 >out 2>err; ok $? "the folder as a campaign"
c=(c.h5 --judge-model strict)
picture camp_radar "radar of a campaign" "${c[@]}" --plot radar -- "${c[@]}" --by category
picture camp_scores "scores of a campaign" "${c[@]}" --plot scores -- "${c[@]}"
picture camp_history "history of a campaign" "${c[@]}" --plot history -- "${c[@]}" --history
picture camp_pairs "pairs of a campaign" "${c[@]}" --plot winrate -- "${c[@]}" --mode pairwise-all --by pair

# A picture of a folder that is made up, to the byte, on every machine; to make it anew: the two commands below.
check example example && (cd example && "$root/mtbench" show --data-dir . --bench-name example --judge-model a-judge --plot radar 2>"$d/err") |
    cmp - "$root/tests/golden/report/radar.svg" 2>>err
ok $? "a picture is the same to the byte as ever"

# Files.
show "${s[@]}" --plot radar >out && cmp -s out radar.svg && show "${s[@]}" --plot radar -o - | cmp -s - radar.svg; ok $? "without -o, and with -o -, the same bytes go to stdout"
grep -q 'mp-paper' radar.svg && grep -q 'prefers-color-scheme:dark' radar.svg; ok $? "a file has its own paper, and rules for the dark"
show "${s[@]}" --plot radar --by-name -o names.svg && grep -o 'data-model="[a-z0-9-]*"' names.svg | uniq | sort -c; ok $? "--by-name: models in the order of names"
show "${s[@]}" --format csv -o t.csv && show "${s[@]}" --format csv | cmp -s - t.csv; ok $? "-o takes tables, too"
echo old >keep.svg
said=$(ulimit -f 0; trap '' XFSZ; "$root/mtbench" show --bench-name smoke "${s[@]}" --plot radar -o keep.svg 2>&1); rc=$?
[ $rc -eq 1 ] && [ "$(cat keep.svg)" = old ] && [ "$(ls | grep -c keep)" -eq 1 ] && grep -q '^mtbench: keep.svg: ' <<<"$said"
ok $? "where nothing can be written the old file stays: $said"
show "${s[@]}" --plot scores -o /dev/stdout | head -c 4 | grep -q '<svg'; ok $? "a device is written to"

# Refusals: exit 1 and one line of ours, nothing on stdout.
refuse() { # what must be in the line, words...
    local word=$1 rc
    shift
    show "$@" >out
    rc=$?
    [ $rc -eq 1 ] && [ ! -s out ] && [ "$(grep -vc 'no judgments by gpt-4' err)" -eq 1 ] && grep -v 'no judgments by gpt-4' err | grep '^mtbench: ' | grep -q -- "$word"
    ok $? "refused: $(tail -1 err | cut -c1-150)"
}
refuse 'give radar, scores' "${s[@]}" --plot pie
refuse '--format: a picture is SVG' "${s[@]}" --plot radar --format csv
refuse 'not together' "${s[@]}" --plot radar --by turn
refuse 'one judge at a time' --data-dir data --judge-model all --plot radar
refuse 'choose' --data-dir data --plot radar
refuse '--plot winrate' "${s[@]}" --plot scores --mode pairwise-all
refuse 'pairwise' "${s[@]}" --plot winrate --mode single
refuse '--by pair: only' "${s[@]}" --by pair
refuse '--by-name: only' "${s[@]}" --by-name
refuse 'plot length: not of a campaign' "${c[@]}" --plot length
refuse 'no judgment of model nobody' "${s[@]}" --plot scores --model-list nobody
refuse 'not with --export' "${c[@]}" --export csv --plot scores
refuse 'no_such_folder' "${s[@]}" --plot radar -o no_such_folder/f.svg
refuse 'is a file of records' "${s[@]}" --plot radar -o data/smoke/question.jsonl
mkdir -p none/smoke/model_judgment && : >none/smoke/model_judgment/j_single.jsonl && cp data/smoke/question.jsonl none/smoke/
refuse 'no judgments' --data-dir none --plot scores
"$root/mtbench" show_result --bench-name smoke "${s[@]}" --plot scores 2>err | cmp -s - scores.svg; ok $? "FastChat's name draws, too"

# As a browser lays the words out, with the fonts that are here.
if command -v chromium >/dev/null; then
    check browser radar.svg scores.svg judges.svg turns.svg pairs.svg base.svg length.svg single.svg camp_history.svg; ok $? "in Chromium no words touch or leave the picture"
    check browser many_radar.svg many_scores.svg many_turns.svg many_winrate.svg; ok $? "nor of 31 models with odd names"
else
    skip "no chromium here: words are measured by tests/unit/plot.c alone"
fi
echo "1..$n"
exit $bad
