#!/bin/bash
# Whatever only reads works on a data folder that this user cannot write, and leaves it as it was; what writes says so in one line and takes another place.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
here=$(pwd) place="$d/elsewhere"
own=(--judge-model j --judge-path "$d/model" --judge-constrained --judge-max-tokens 8 --max-error-rate 1)
cp data/judge_prompts.jsonl "$d/"
cp -r data/smoke/. "$d/smoke/"
"$build/mtbench" run --model-path "$d/model" --model-id m --data-dir "$d" --bench-name smoke --reference smoke --max-new-token 8 --quiet "${own[@]}" >"$d/out" 2>"$d/err"
ok $? "answers and judgments to read"
mkdir "$place" && chmod 1777 "$place" && chmod -R a+rX,a-w "$d/smoke" "$d/model" "$d"/*.jsonl && chmod a+rx-w "$d"
trap 'chmod -R u+w "$d"; rm -rf "$d"' EXIT
as=()
if [ "$(id -u)" -eq 0 ]; then
    as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    # The program itself is copied to where that user can reach it.
    cp "$here/$build/mtbench" "$place/mtbench"
    "${as[@]}" "$place/mtbench" --version >/dev/null 2>&1 || { echo "ok $((n + 1)) # SKIP no user without rights to be here"; echo "1..$((n + 1))"; exit 0; }
else
    ln -s "$here/$build/mtbench" "$place/mtbench"
fi
before=$(find "$d/smoke" -type f -exec sha256sum {} + | sort; find "$d/smoke" "$d" -maxdepth 1 | grep -v elsewhere | sort)
# reads VERB FLAGS...: exit 0
reads() {
    local verb=$1
    shift
    (cd "$place" && OPENAI_API_KEY=k HOME=$place TMPDIR=$place "${as[@]}" ./mtbench "$verb" --data-dir "$d" --bench-name smoke "$@") >"$place/out" 2>"$place/err"
    rc=$?
    cp "$place/out" "$place/err" "$place/said/" 2>/dev/null
    [ $rc -eq 0 ]; okay $? "$verb ${*/$d/.}"
}
okay() { # as ok(), with what was said
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$place/out" "$place/err" | head -20; fi
}
# refuses WORD VERB FLAGS...: exit 1 and one line with the word
refuses() {
    local word=$1
    shift
    (cd "$place" && HOME=$place TMPDIR=$place "${as[@]}" ./mtbench "$@" --data-dir "$d" --bench-name smoke) >"$place/out" 2>"$place/err"
    rc=$?
    [ $rc -eq 1 ] && [ "$(grep -c '^mtbench: ' "$place/err")" -eq 1 ] && grep -q -- "$word" "$place/err"; okay $? "$1 says: $word"
}
for flags in "--judge-model j" "" "--by category" "--question 1" "--judge-model all" "--format json"; do
    # shellcheck disable=SC2086
    reads show $flags
done
reads plan --model-path "$d/model" --model-id m --max-new-token 8 --judge-model gpt-4 --reference smoke
reads plan --model-list m "${own[@]:0:4}" --reference smoke
reads prompt --model-path "$d/model" --question 1 --turn 2 --answer-file "$d/smoke/model_answer/m.jsonl"
reads judge --model-list m --judge-model gpt-4 --reference smoke --export "$place/requests.jsonl"
grep -q 'only read' "$place/err" && [ "$(wc -l <"$place/requests.jsonl")" -eq 16 ]; okay $? "the export has all 16 requests, and says that it looked at the journal only"
refuses 'm2.journal: cannot .*--answer-file' answer --model-path "$d/model" --model-id m2 --max-new-token 8
refuses 'k_single.journal: cannot .*--output' judge --model-list m --reference smoke --judge-model k "${own[@]:2}"
reads answer --model-path "$d/model" --model-id m2 --max-new-token 8 --answer-file "$place/m2.jsonl"
reads judge --model-list m --reference smoke --judge-model k "${own[@]:2}" --output "$place/k.jsonl"
[ "$(wc -l <"$place/k.jsonl")" -eq 16 ] && [ "$(wc -l <"$place/m2.jsonl")" -eq 8 ]; okay $? "answers and judgments are where the flags said"
[ "$before" = "$(find "$d/smoke" -type f -exec sha256sum {} + | sort; find "$d/smoke" "$d" -maxdepth 1 | grep -v elsewhere | sort)" ]; okay $? "the folder is as it was"
echo "1..$n"
exit $bad
