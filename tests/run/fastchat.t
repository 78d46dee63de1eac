#!/bin/bash
# TAP: FastChat 0.2.36 itself reads our answer files: its loaders, its reorganisation, its gen_judgment up to the calls that it would make.
cd "$(dirname "$0")/../.." || exit 1
if ! python=$(tests/peers/venv judge 2>&1); then
    echo "ok 1 # SKIP ${python##*$'\n'}"
    echo "1..1"
    exit 0
fi
here=$PWD
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout=0
mkdir -p "$d/data/tiny/reference_answer" "$d/models"
python3 tests/tools/spoil_models.py "$d/models" good || exit 1
cat >"$d/data/tiny/question.jsonl" <<'Q'
{"question_id": 12, "category": "writing", "turns": ["tell me a \"story\"", "and now in {braces}"]}
{"question_id": 3, "category": "math", "turns": ["add 2 and 3", "halve it"]}
{"question_id": 101, "category": "roleplay", "turns": ["you are a lamp", "go on"]}
{"question_id": 7, "category": "coding", "turns": ["print x", "in C"]}
Q
for id in 3 7; do
    echo "{\"question_id\": $id, \"answer_id\": \"a\", \"model_id\": \"gpt-4\", \"choices\": [{\"index\": 0, \"turns\": [\"right\", \"right too\"]}], \"tstamp\": 1.5}"
done >"$d/data/tiny/reference_answer/gpt-4.jsonl"
answer() { # ranks, id, model, flags...
    timeout 600 mpirun --oversubscribe -n "$1" "$here/build/${VARIANT:-release}/mtbench" answer --model-path "$d/models/$3" --model-id "$2" --data-dir "$d/data" \
        --bench-name tiny --max-new-token 24 --threads 1 --quiet "${@:4}" >"$d/out" 2>&1 || sed 's/^/# /' "$d/out"
}
answer 2 tiny-7b good --num-choices 2 --question-begin 2
answer 1 tiny-7b good --num-choices 2
answer 1 other.v1 good_f32
cd "$d" && PYTHONDONTWRITEBYTECODE=1 "$python" "$here/tests/peers/fastchat_answers.py" tiny data/tiny/model_answer/*.journal
