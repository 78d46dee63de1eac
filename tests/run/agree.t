#!/bin/bash
# TAP: `mtbench agree`: FastChat's four lines on votes of our own (tests/golden/report), and, where they are here, on the human votes of MT-bench:
# FastChat's script run now, table 5 of the paper, and a published kappa; refusals in one line.
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
cp tests/golden/report/votes* tests/golden/report/pairs.jsonl tests/golden/report/many.jsonl tests/golden/report/thirds.jsonl "$d"
cd "$d" || exit 1
golden=$root/tests/golden/report
agree() { "$root/mtbench" agree "$@" 2>err; }

for g in "$golden"/agree_*.txt; do
    read -r _ script args <"$g"
    # shellcheck disable=SC2086
    diff <(tail -n +2 "$g") <("$root/mtbench" "$script.py" $args 2>&1) >diff; ok $? "as FastChat printed it: $script $args"
    sed 's/^/# /' diff
done
cmp -s <(agree --votefiles votes_human.json --judges human human --format csv) <(agree --votefiles votes_human.jsonl --judges human human --format csv); ok $? "an array or a vote a line: the same"
out=$(agree --votefiles votes_gpt4.json votes_human.json --format csv)
[ "$(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u | tr '\n' ' ')" = 'author,author author,human gpt4-pair,author gpt4-pair,human human,human ' ]; ok $? "without --judges: all pairs of judges: $(tail -n +2 <<<"$out" | cut -d, -f1,2 | sort -u | tr '\n' ' ')"
python3 - <(agree --votefiles votes_gpt4.json votes_human.json --format json) <(echo "$out") <<'PY'
import csv, json, sys
j, c = json.load(open(sys.argv[1])), list(csv.DictReader(open(sys.argv[2])))
assert len(j["rows"]) == len(c) and all(("" if v is None else str(v)) == b[k] for a, b in zip(j["rows"], c) for k, v in a.items())
for r in j["rows"]:
    assert r["ratio"] == r["agree"] / r["total"] and (r["low"] is None or 0 <= r["low"] <= r["ratio"] <= r["high"] <= 1) and r["kappa" if r["judge_a"] == r["judge_b"] else "alpha"] is None
PY
ok $? "JSON and CSV hold the same; ratios lie in their intervals"
agree --votefiles many.jsonl --format csv | grep -q '^gpt4-pair,gpt4-pair,' ; [ $? -eq 1 ]; ok $? "pair judgments are votes, and one vote an item is no pair"
sed 's/"gpt-4"/"other"/' many.jsonl >other.jsonl
agree --votefiles many.jsonl other.jsonl --format csv | grep -qE '^gpt4-pair,other-pair,all,with,300,300,1.0,'; ok $? "two judges that say the same agree on all"

refuse() { # what must be in the line, words...
    local word=$1 rc
    shift
    "$root/mtbench" agree "$@" >out 2>err
    rc=$?
    [ $rc -eq 1 ] && [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ] && grep '^mtbench: ' err | grep -q -- "$word"
    ok $? "refused: $(head -1 err | cut -c1-150)"
}
: >empty.json
for i in $(seq 65); do echo "{\"question_id\": 1, \"model_a\": \"a\", \"model_b\": \"b\", \"winner\": \"model_a\", \"judge\": \"j$i\", \"turn\": 1}"; done >crowd.jsonl
echo '[{"question_id": 1}]' >odd.json
refuse 'gpt4_judgments.json' --judges gpt4-pair human
refuse 'no votes in it' --votefiles empty.json
refuse 'more than 64 judges' --votefiles crowd.jsonl
refuse 'odd.json: vote 1' --votefiles odd.json
refuse 'thirds.jsonl:1' --votefiles thirds.jsonl
refuse 'no votes of third; there are' --votefiles votes_gpt4.json --judges gpt4-pair third
refuse 'needs two' --votefiles votes_gpt4.json --judges human
refuse 'votes more than once' --votefiles votes_human.json votes_gpt4.json --judges human gpt4-pair --format fastchat
refuse 'no two votes' --votefiles votes_gpt4.json

# The human votes, where they are here.
if [ ! -d "$corpora" ]; then skip "the human votes (shared/corpora) are not here"; echo "1..$n"; exit $bad; fi
zcat "$corpora"/aliabbas*/gpt4_pair.jsonl.gz >gpt4.jsonl
zcat "$corpora"/aliabbas*/human.jsonl.gz >human.jsonl
agree --votefiles gpt4.jsonl human.jsonl --format csv >paper.csv
while IFS=, read -r turn setup a b percent votes here; do
    [ "$here" = yes ] || continue
    case $a in G4-Pair) a=gpt4-pair ;; Human) a=human ;; esac
    awk -F, -v a=$a -v turn="$turn" -v ties="$([[ $setup = S1* ]] && echo with || echo without)" -v percent="$percent" -v votes="$votes" \
        '$1 == a && $2 == "human" && $3 == turn && $4 == ties { good = $5 == votes && sprintf("%.0f", 100 * $6 / $5) == percent } END { exit !good }' paper.csv
    ok $? "table 5, turn $turn, $setup, $a and ${b,,}: $percent % of $votes"
done < <(tail -n +2 "$corpora/published/paper_2306.05685_table5_agreement.csv" | tr -d '\r')
agree --votefiles gpt4.jsonl human.jsonl --judges gpt4-pair human+author --format csv >kappa.csv
awk -F, '$3 == "all" && $4 == "with" { with = $10 == 1814 && sprintf("%.4f", $11) == "0.5047" } $3 == "all" && $4 == "without" { without = $10 == 1078 && sprintf("%.3f", $11) == "0.767" }
    END { exit !(with && without) }' <(sed 's/,$/,-/' kappa.csv)
ok $? "published kappa: 0.505 over 1814 comparisons, 0.767 over 1078 without ties"
awk -F, '$3 == 1 && $4 == "with" { one = $10 == 910 && sprintf("%.4f", $11) == "0.5158" } $3 == 2 && $4 == "with" { two = $10 == 904 && sprintf("%.4f", $11) == "0.4922" } END { exit !(one && two) }' kappa.csv
ok $? "and per turn: 0.516 over 910, 0.492 over 904"
agree --votefiles human.jsonl --judges human+author human+author --format csv | awk -F, '$3 == "all" && $4 == "with" { good = $10 == 961 && sprintf("%.4f", $14) == "0.4855" } END { exit !good }'
ok $? "published alpha of the people: 0.4855 over 961 comparisons"

if ! python=$("$root/tests/peers/venv" report 2>err); then skip "$(head -1 err)"; echo "1..$n"; exit $bad; fi
script=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/fastchat/llm_judge/compute_agreement.py
python3 - <<'PY'
import json
for name in ("gpt4", "human"):
    votes = [json.loads(line) for line in open(name + ".jsonl")]
    for v in votes:
        v["judge"] = ["gpt-4", "pair-v2"] if v["judge"] == "gpt4_pair" else v["judge"]
    json.dump(votes, open(name + ".json", "w"))
PY
for a in "--judges gpt4-pair human --votefiles gpt4.json human.json" "--judges human human --votefiles human.json"; do
    # shellcheck disable=SC2086
    cmp -s <("$python" "$script" $a) <("$root/mtbench" compute_agreement $a); ok $? "as FastChat prints it now: compute_agreement $a"
done
cmp -s <("$root/mtbench" compute_agreement --votefiles gpt4.json human.json) <(agree --judges gpt4-pair human --votefiles gpt4.jsonl human.jsonl --format fastchat); ok $? "the lines as they are give the same as the arrays"
echo "1..$n"
exit $bad
