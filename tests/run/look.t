#!/bin/bash
# TAP: odd input and places that cannot be written, for all that makes a page or a picture: browse, report, show --plot. Odd names do nothing but stand
# there, what is not there is told, and a file is there whole or not at all.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/out" "$d/err" 2>/dev/null | cut -c1-300 | head -20; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
cases=$(python3 tests/run/odd_data.py "$d") || { echo "Bail out! no data"; exit 1; }
verbs=(report browse "show --plot scores --judge-model all")
# make VERB CASE FILE FLAGS...: exit code in $rc
make() {
    local verb=$1 case=$2 file=$3
    shift 3
    # shellcheck disable=SC2086
    "$root/mtbench" $verb --data-dir "$d/$case" --bench-name odd -o "$file" "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
words() { python3 -c 'import sys; sys.path.insert(0, "tests/run"); from report_check import Page; print(" ".join(" ".join(Page(open(sys.argv[1]).read()).text).split()))' "$1"; }
told() { words "$d/$1.html" | grep -qF "$2"; }

# Each case is a page, of good form, in which nothing of a name has become markup.
for case in $cases; do
    for verb in "${verbs[@]}"; do
        file="$d/$case.${verb%% *}"
        make "$verb" "$case" "$file"
        if [[ $verb = show* && $case = *_judgments ]]; then
            [ $rc -eq 1 ] && [ ! -e "$file" ] && [ "$(grep -c '^mtbench: .*;' "$d/err")" -eq 1 ]; ok $? "show: $case: $(sed "s|$d||" "$d/err" | cut -c1-90)"
            continue
        fi
        [ $rc -eq 0 ] && python3 - "$file" >>"$d/err" <<'PY'
import sys
import xml.etree.ElementTree
sys.path.insert(0, "tests/run")
from report_check import Page
text = open(sys.argv[1], encoding="utf-8").read()      # strict: no broken UTF-8
faults = [f for f in Page(text).faults if f != "<script>"]
if text.startswith("<svg"):
    xml.etree.ElementTree.fromstring(text)
faults += [bad for bad in ("<img", "<script>alert", "</b>", "<b>model", "\u202e") if bad in text]
print("\n".join(faults))
sys.exit(bool(faults))
PY
        ok $? "${verb%% *}: $case"
    done
done
for case in $cases; do cp "$d/$case.report" "$d/$case.html"; done
told other_questions 'b: 2 answers are to questions that this bench does not have' && told other_questions 'b: 4 of 6 turns have no answer'; ok $? "answers to other questions are told"
told unequal_turns 'a: 1 of 8 turns have no answer' && told unequal_turns 'a: 2 turns are more than the questions ask for' && told unequal_turns 'b: 3 of 6 turns have no answer'; ok $? "turns that are not there are told"
told names 'quote"model' && told names 'less<b>model' && told names '"><img src=x onerror=alert(1)>' && told names "$(printf 'x%.0s' {1..300})"; ok $? "names stand there as they are"
told no_judgments 'Nothing was judged' && told empty_judgments 'no judgments in it'; ok $? "no judgments, and empty files of them"
told no_answers 'a: judged, but its answers are not here'; ok $? "judgments without answers"
told one_name_twice 'first: its file'"'"'s judgments are by same' && told one_name_twice 'second: its file'"'"'s judgments are by same'; ok $? "two files of one judge"
told all_failed 'j: 6 of 6 judgments have no verdict' && told all_failed 'j: 3 of 3 judged pairs have no verdict'; ok $? "nothing but failures"

# The line that show ends with is a command that makes the page; where other programs read there is none.
show() { "$root/mtbench" "$@" --data-dir "$d/names" --bench-name odd >"$d/out" 2>"$d/err"; }
show show --model-list 'quote"model' "it's & more"
line=$(tail -1 "$d/out")
[ "${line#look: mtbench }" != "$line" ] && [ "$(grep -c '^look' "$d/out")" -eq 1 ] && (cd "$d" && eval "'$root/mtbench' ${line#look: mtbench }" >out 2>err) && grep -q '^page.html: 2 models' "$d/out"
ok $? "$(sed "s|$d||" <<<"$line")"
for form in "show --format csv" "show --format json" "show --format fastchat" "show --format markdown" "show_result --format table" "show --plot scores"; do
    # shellcheck disable=SC2086
    show $form --model-list "it's & more" && [ -s "$d/out" ] && ! grep -q '^look' "$d/out"; ok $? "$form has none"
done

# The picture in README is what the program draws of published judgments: every figure of it.
published=${MTBENCH_SHARED:-$root/../shared}/corpora/FasterDecoding+Medusa/mt_bench/model_judgment/gpt-4_single.jsonl.gz
if [ -f "$published" ] && [ -f data/mt_bench/question.jsonl ]; then
    mkdir -p "$d/pub/mt_bench/model_judgment" && gunzip -c "$published" >"$d/pub/mt_bench/model_judgment/gpt-4_single.jsonl" && cp data/mt_bench/question.jsonl "$d/pub/mt_bench/"
    "$root/mtbench" show --data-dir "$d/pub" --plot radar --model-list vicuna-7b-v1.3 vicuna-7b-v1.3-greedy -o "$d/look.svg" 2>"$d/err"
    diff <(grep -oE 'data-[a-z_]+="[^"]*"' "$d/look.svg") <(grep -oE 'data-[a-z_]+="[^"]*"' src/report/look.svg) >"$d/out" && [ "$(grep -c 'data-score=' src/report/look.svg)" -ge 16 ]
    ok $? "the figures of README's picture"
else
    skip "no published judgments or official questions here to draw README's picture of"
fi

# Places.
for verb in "${verbs[@]}"; do
    v=${verb%% *}
    echo old >"$d/old"
    mkdir -p "$d/folder"
    make "$verb" no_answers "$d/folder"; [ $rc -eq 1 ] && grep -q '^mtbench: .*is a folder; name a file in it' "$d/err"; ok $? "$v: -o a folder: $(cat "$d/err")"
    make "$verb" no_answers "$d/gone/page"; [ $rc -eq 1 ] && [ "$(grep -c '^mtbench: .*;' "$d/err")" -eq 1 ]; ok $? "$v: a folder that is not there: $(sed "s|$d||" "$d/err")"
    make "$verb" no_answers "$d/old/page"; [ $rc -eq 1 ] && [ "$(grep -c '^mtbench: .*;' "$d/err")" -eq 1 ]; ok $? "$v: a file in a file: $(sed "s|$d||" "$d/err")"
    if [ "$(id -u)" -ne 0 ]; then
        mkdir -p "$d/locked" && chmod 555 "$d/locked"
        make "$verb" no_answers "$d/locked/page"; [ $rc -eq 1 ] && grep -q 'Permission denied' "$d/err"; ok $? "$v: a folder that cannot be written"
        chmod 755 "$d/locked"
    else
        skip "$v: root may write into any folder"
    fi
    make "$verb" no_answers /dev/full; [ $rc -eq 1 ] && grep -q '^mtbench: .*No space left on device' "$d/err" && [ -c /dev/full ]; ok $? "$v: a full disk: $(cat "$d/err")"
    (trap '' XFSZ; ulimit -f 1; make "$verb" names "$d/old"; exit $rc); rc=$?
    [ $rc -eq 1 ] && grep -q '^mtbench: .*File too large' "$d/err" && [ "$(cat "$d/old")" = old ] && [ -z "$(ls "$d" | grep 'old\..*tmp')" ]
    ok $? "$v: no room in the middle: one line, the old file, nothing beside it"
    (ulimit -f 1; make "$verb" names "$d/old"; exit $rc) 2>/dev/null; rc=$?
    [ $rc -gt 128 ] && [ "$(cat "$d/old")" = old ]; ok $? "$v: a writer that is killed leaves the old file"
    rm -f "$d"/old.*.tmp
    make "$verb" names "$d/old"; cp "$d/old" "$d/first"; make "$verb" names "$d/old"; cmp -s "$d/old" "$d/first"; ok $? "$v: and the next one replaces it, with the same bytes twice"
    make "$verb" names /dev/stdout; [ $rc -eq 0 ] && cmp -s <(head -c "$(stat -c %s "$d/first")" "$d/out") "$d/first"; ok $? "$v: to a pipe, and /dev/stdout stays what it is"
done
[ -e /dev/stdout ] && [ -L /dev/stdout ]; ok $? "/dev/stdout is still a link"
echo "1..$n"
exit $bad
