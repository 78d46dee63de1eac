#!/bin/bash
# TAP: miniatures of the 2023 board's models, in the published files' exact shape (tests/tools/miniatures.py), against FastChat 0.2.36 and transformers
# (tests/golden/make_miniatures.py): prompts, ids and logits of both turns, greedy answers; the same bits on 1 to 3 ranks, alone and together, on every
# instruction set.
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
build=build/${VARIANT:-release}
n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/err" | cut -c1-300 | head -20; fi
}
skip() { # text, why
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
python3 tests/tools/miniatures.py "$d" || { echo "Bail out! no miniatures"; exit 1; }
export HF_HUB_CACHE=$d/hub
unset MTBENCH_FASTCHAT
fastchat=$(tests/peers/venv judge 2>/dev/null) && fastchat=$("$fastchat" -c 'import fastchat, os; print(os.path.dirname(fastchat.__file__))') || fastchat=""
isas=$("$build/mtbench" --version | sed -n 's/^cpu *//p')
check() { python3 tests/run/miniatures_check.py "$@" 2>"$d/err"; }
flags() { # of the model: what FastChat's rules do not choose, or choose from texts that are FastChat's own
    case $1 in
    llama-13b | decapoda-7b) echo "--chat-template one_shot --fastchat $fastchat" ;;
    baize*) echo "--fastchat $fastchat" ;;
    esac
}
# answer MODEL RANKS BATCH [ISA]: the digest; the answers lie in $d/board/model_answer/MODEL-RANKS.jsonl
answer() {
    MTBENCH_ISA=${4:-} timeout 600 mpirun --oversubscribe -n "$2" "$build/mtbench" answer --model-path "$d/$1" --model-id "$1-$2" --data-dir "$d" --bench-name board \
        --max-new-token 8 --threads 1 --max-batch "$3" --quiet $(flags "$1") 2>"$d/err" | sed -n 's/^digest *//p'
}

for m in vicuna-7b-v1.3 alpaca-13b nous-hermes-13b WizardLM-13B-V1.2 oasst-sft-7-llama-30b guanaco-33b baize-v2-13b llama-13b decapoda-7b; do
    if [ -n "$(flags $m)" ] && [ -z "$fastchat" ]; then
        skip "$m" "its template's text is FastChat's, which cannot be installed here"
        continue
    fi
    check messages $m >"$d/messages" &&
        "$build/mtbench" prompt --model-path "$d/$m" --data-dir "$d" --messages "$d/messages" --top-logits 20 $(flags $m) >"$d/out" 2>"$d/err" && check prompts $m "$d/out"
    ok $? "$m: prompts and ids of both turns are FastChat's, logits transformers'"
    one=$(answer $m 1 8)
    [ ${#one} -eq 64 ] && check answers $m "$d/board/model_answer/$m-1.jsonl"; ok $? "$m: greedy answers as FastChat cuts and cleans them"
    for how in "2 1 avx2" "3 8 plain"; do
        set -- $how
        if [[ " $isas " != *" $3 "* ]]; then skip "$m: $how" "this machine has only $isas"; continue; fi
        [ ${#one} -eq 64 ] && [ "$(answer $m "$1" "$2" "$3")" = "$one" ]; ok $? "$m: $1 ranks, $2 at a time, $3: the same digest"
    done
done
grep -q '"adapter_base": "huggyllama/llama-30b"' "$d/board/model_answer/guanaco-33b-1.manifest"; ok $? "guanaco-33b: the manifest names the base"

# Tokens and rows that do not meet.
python3 -c 'import json
turns = json.load(open("tests/golden/miniatures.json"))["nous-hermes-13b"]["turns"]
assert any(i > 900 for t in turns for i in t["drawn"])' 2>"$d/err"; ok $? "a row that is no token was drawn, and gave no text"
mkdir "$d/pad" && echo '{"question_id": 1, "category": "math", "turns": ["One <pad> two?", "And?"]}' >"$d/pad/question.jsonl"
"$build/mtbench" answer --model-path "$d/WizardLM-13B-V1.2" --model-id wizardlm-13b --data-dir "$d" --bench-name pad --max-new-token 4 --quiet >"$d/out" 2>"$d/err"
[ $? -eq 2 ] && grep -q 'id 900, and the embedding of this model has 900 rows' "$d/err" && grep -q ' 0/2 turns .* 2 failed' "$d/out"
ok $? "a question with a token beyond the embedding fails with its reason"
echo "1..$n"
exit $bad
