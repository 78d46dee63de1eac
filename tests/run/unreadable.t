#!/bin/bash
# TAP: folders that are there and may not be read are told as such, by every verb that looks into them, and never taken for empty ones.
cd "$(dirname "$0")/../.." || exit 1
build=build/${VARIANT:-release} n=0 bad=0
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
as=()
[ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
chmod 755 "$d"; cp "$build/mtbench" "$d/"; mkdir -p "$d/data/b/model_judgment" "$d/data/b/model_answer"
cp data/smoke/question.jsonl "$d/data/b/"; cp data/smoke/judge_prompts.jsonl "$d/data/"; cp -r data/smoke/reference_answer "$d/data/b/"
chmod 000 "$d/data/b/model_judgment" "$d/data/b/model_answer"
"${as[@]}" true 2>/dev/null && ! "${as[@]}" ls "$d/data/b/model_judgment" >/dev/null 2>&1 || { echo "1..0 # SKIP this user may read everything, and cannot become another one"; chmod 755 "$d"/data/b/*; exit 0; }
denied() { # words of the verb
    n=$((n + 1))
    (cd "$d" && timeout 300 "${as[@]}" ./mtbench "$@" --bench-name b >out.$n 2>err.$n); local rc=$?
    if [ $rc -eq 1 ] && [ "$(grep -c "^mtbench: .*Permission denied" "$d/err.$n")" -eq 1 ]; then echo "ok $n - $*: $(cat "$d/err.$n")"
    else echo "not ok $n - $* (exit $rc)"; sed 's/^/#   /' "$d/err.$n"; bad=1; fi
}
chmod 777 "$d"
for words in show "show --judge-model all" "show --judge-model x" "show --mode pairwise-all" "show --question 1" \
    "show --input-file data/b/model_judgment/x.jsonl" "verify --model-id x" "answer --model-path data/b/model_answer/m --model-id x --device cpu" \
    "judge --judge-model j --model-list x --reference smoke"; do denied $words; done
chmod 755 "$d"/data/b/model_*
echo "1..$n"
exit $bad
