#!/bin/bash
# TAP: FastChat 0.2.36's own qa_browser and ours make the same texts of real questions, answers and judgments (../shared, where it is).
cd "$(dirname "$0")/../.." || exit 1
shared=${MTBENCH_SHARED:-../shared}
folders=()
for f in data/mt_bench "$shared"/mt_bench "$shared"/corpora/*/mt_bench "$shared"/corpora/*/vicuna_bench; do [ -d "$f" ] && folders+=("$f"); done
if ! python=$(tests/peers/venv judge 2>&1); then
    why=${python##*$'\n'}
elif [ ${#folders[@]} -eq 0 ]; then
    why="no question set is here; data/fetch.sh gets one"
fi
if [ -n "${why:-}" ]; then
    echo "ok 1 # SKIP $why"
    echo "1..1"
    exit 0
fi
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
make -s VARIANT="${VARIANT:-release}" "build/${VARIANT:-release}/tests/unit/browser_text" >&2
"$python" -B tests/peers/fastchat_browser.py >"$d/texts.jsonl"
"$python" -B tests/peers/fastchat_browser.py "${folders[@]}" --most 40 >>"$d/texts.jsonl" || echo "# FastChat's qa_browser stopped"
echo "# $(wc -l <"$d/texts.jsonl") texts of ${folders[*]}"
exec "build/${VARIANT:-release}/tests/unit/browser_text" "$d/texts.jsonl"
