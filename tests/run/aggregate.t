#!/bin/bash
# TAP: `mtbench aggregate` and `show` of campaign files: runs of our own, as `mtbench run` leaves them (tests/tools/make_runs.py), and FastChat's folders
# without a journal.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' out err 2>/dev/null | head -20; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 tests/tools/make_runs.py "$d" 6 16 || { echo "Bail out! no runs"; exit 1; }
cd "$d" || exit 1
mtbench() { "$root/mtbench" "$@" >out 2>err; }
aggregate() { mtbench aggregate "$@"; }

# Runs in, runs added, twice, changed.
aggregate run000[0-3] -o c.h5 && grep -q '^runs  *4 added   0 replaced   0 unchanged   4 in all$' out; ok $? "four runs: $(head -1 out)"
aggregate -o c.h5 run0002 run0004 && grep -q '^runs  *1 added   0 replaced   1 unchanged   5 in all$' out; ok $? "one of them again and a new one: $(head -1 out)"
before=$(stat -c '%i %y' c.h5)
aggregate run000[0-4] --output c.h5 && grep -q '^kept' out && [ "$(stat -c '%i %y' c.h5)" = "$before" ]; ok $? "all of them again: the file is left alone"
cp -r run0001 elsewhere && aggregate elsewhere -o c.h5 && grep -q ' 1 unchanged' out; ok $? "a copy in another folder is the same run"
for r in 0 1 2 3; do
    diff <("$root/mtbench" show --data-dir run000$r) <(aggregate run000$r -o one$r.h5; "$root/mtbench" show one$r.h5) >diff
    ok $? "show of a campaign of one run is show of its folder"
done
mtbench show c.h5 && [ "$(grep -c '^model-' out)" -eq 4 ] && grep -q 'repeats' out; ok $? "show: four models, two seeds of one"
mtbench show c.h5 --by category --format csv && [ "$(grep -c '^model-' out)" -eq 32 ]; ok $? "--by category"
mtbench show c.h5 --compare model-0 model-3 && grep -q '^model-0 ' out; ok $? "--compare"

# And back again.
aggregate --extract back c.h5; ok $? "--extract: $(cat out)"
same=0
for r in 0 1 2 3 4; do diff -r --exclude='*.journal' run000$r back/run000$r >diff || same=1; done
[ $same = 0 ]; ok $? "FastChat's files byte for byte"

# A folder as FastChat leaves it: no journal, two models in one file, keys of others, blanks, a CR, text beyond ASCII as it is, NUL, half a surrogate
# pair, no newline at the end.
mkdir -p foreign/mt_bench && cp -r run0000/mt_bench/model_answer run0000/mt_bench/question.jsonl foreign/mt_bench/ && rm foreign/mt_bench/model_answer/*.[jm]*[lt] 2>/dev/null
cp run0000/mt_bench/model_answer/model-0.jsonl run0001/mt_bench/model_answer/model-1.jsonl foreign/mt_bench/model_answer/
mkdir -p foreign/mt_bench/model_judgment
python3 - <<'PY'
import itertools
a, b = (open(f"run000{i}/mt_bench/model_judgment/a-judge_single.jsonl").read().splitlines() for i in (0, 1))
mixed = [line for pair in itertools.zip_longest(a, b) for line in pair if line]
mixed[3] = mixed[3][:-1] + ', "extra": [1, {"b": null}]}'
mixed[5] = mixed[5].replace('", "', '","', 1)
mixed[8] = mixed[8].replace(' [[', ' \\u0000 \\ud83d [[', 1)
mixed[9] = "\ufeff" + mixed[9] + "\r"
mixed[11] = "  \n\n" + mixed[11]
open("foreign/mt_bench/model_judgment/a-judge_single.jsonl", "w", newline="").write("\n".join(mixed))
answers = open("foreign/mt_bench/model_answer/model-0.jsonl").read().splitlines()
answers[2] = answers[2].replace('"turns": ["', '"turns": [null, "', 1)
answers[4] = answers[4].replace("\\n", "\\u000a", 1)
open("foreign/mt_bench/model_answer/model-0.jsonl", "w", newline="").write("\n".join(answers) + "\n\n")
PY
aggregate foreign -o f.h5 && aggregate --extract fback f.h5 && diff -r foreign fback >diff; ok $? "a foreign folder, byte for byte: $(cat out)"
diff <("$root/mtbench" show --data-dir foreign) <("$root/mtbench" show f.h5); ok $? "and shown as the folder is"
sed -i 's/tstamp": 1/tstamp": 2/' foreign/mt_bench/model_answer/model-0.jsonl
aggregate foreign -o f.h5 && grep -q ' 0 added   1 replaced   1 unchanged   2 in all' out && aggregate --extract fback2 f.h5 && diff -r foreign fback2 >diff; ok $? "changed: $(head -1 out)"
echo "1..$n"
exit $bad
