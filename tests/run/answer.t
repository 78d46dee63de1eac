#!/bin/bash
# TAP: `mtbench answer` on the demo model and the smoke questions. The digest does not depend on ranks, batch, threads, instruction set,
# slices or on being killed; what is wrong is refused in one line.
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
model=${MTBENCH_MODEL:-data/models/SmolLM2-135M-Instruct.Q4_1.gguf}
n=0 bad=0 quiet=--quiet
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
if [ ! -f "$model" ]; then echo "ok 1 # SKIP the demo model is not here; data/fetch.sh brings it"; echo "1..1"; exit 0; fi
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
mkdir -p "$d/smoke" && cp data/smoke/question.jsonl "$d/smoke/"
answer() { # ranks, flags...
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe -n "$ranks" ./mtbench answer --model-path "$model" --data-dir "$d" --bench-name smoke --max-new-token 24 $quiet "$@" 2>"$d/err"
}
digest() { sed -n 's/^digest *//p'; }

want=$(answer 1 --model-id r1 | digest)
[ ${#want} -eq 64 ]; ok $? "one rank answers: digest $want"
for r in 2 3 4 10; do [ "$(answer $r --model-id "r$r" | digest)" = "$want" ]; ok $? "$r ranks: same digest"; done
for b in 3; do [ "$(answer 1 --model-id "b$b" --max-batch $b | digest)" = "$want" ]; ok $? "--max-batch $b: same digest"; done
[ "$(answer 1 --model-id t1 --threads 1 | digest)" = "$want" ]; ok $? "--threads 1: same digest"
[ "$(MTBENCH_ISA=avx2 answer 1 --model-id avx2 | digest)" = "$want" ] || ! grep -q avx2 /proc/cpuinfo; ok $? "AVX2: same digest"
# The bits, written down. What they are made with is written into every manifest ("numerics"): whoever changes them on purpose changes that too.
isas=$(./mtbench --version | sed -n 's/^cpu *//p')
case ${model##*/} in
SmolLM2-135M-Instruct.Q4_1.gguf) all=b56f19f40827bc0417eb32fc16de205ed1489a047d190f471b64c9ca88682fe4 few=9c1c8aef060520ee7b46fd23a7e85592d8a8caa5ce431deb9948e29eb812bedd ;;
*) all=$want few=$(answer 1 --model-id few --max-new-token 4 --first-n 2 | digest) ;;
esac
[ "$want" = "$all" ]; ok $? "the answers that are written down: $all"
for isa in plain avx2 avx512; do
    if [[ " $isas " = *" $isa "* ]]; then
        [ "$(MTBENCH_ISA=$isa answer 2 --model-id "few-$isa" --max-new-token 4 --first-n 2 | digest)" = "$few" ]; ok $? "$isa: the first answers that are written down: $few"
    else
        n=$((n + 1)); echo "ok $n # SKIP this machine has no $isa, only $isas"
    fi
done
answer 1 --model-id slice --question-end 3 >/dev/null
answer 2 --model-id slice --question-begin 3 >/dev/null
out=$(answer 2 --model-id slice)
[ "$(digest <<<"$out")" = "$want" ] && grep -q ' 0 tokens' <<<"$out"; ok $? "slices merge, and nothing is answered twice"
cmp -s <(cut -d, -f3- "$d/smoke/model_answer/slice.jsonl" | sed 's/"tstamp.*//; s/"slice"//') <(cut -d, -f3- "$d/smoke/model_answer/r1.jsonl" | sed 's/"tstamp.*//; s/"r1"//'); ok $? "the merged answer file holds the same answers"
# 80 conversations at a time, 1 to 80 of them together.
wide() { answer "$@" --first-n 4 --num-choices 20 --max-new-token 2 | digest; }
eighty=$(wide 1 --model-id e)
for l in '2 1' '1 7 --threads 2' '3 32' '4 79 --threads 1'; do
    set -- $l
    [ ${#eighty} -eq 64 ] && [ "$(wide "$1" --model-id "e$2" --max-batch "${@:2}")" = "$eighty" ]; ok $? "80 conversations, $1 ranks, --max-batch ${*:2}: same digest"
done
[ "$(MTBENCH_ISA=avx2 wide 2 --model-id eavx2 --max-batch 40)" = "$eighty" ] || ! grep -q avx2 /proc/cpuinfo; ok $? "80 conversations, 2 ranks, --max-batch 40, AVX2: same digest"

# All done: no weights are read, which the call in place of them would show; another model is noticed all the same.
head -c 5000000 "$model" >"$d/beginning.gguf" && truncate -s "$(stat -c %s "$model")" "$d/beginning.gguf"
out=$(model=$d/beginning.gguf quiet="" answer 2 --model-id r2 --verbose); grep -q "weights have sha256" "$d/err"; told=$?
[ "$(digest <<<"$out")" = "$want" ] && grep -q ' 0 tokens' <<<"$out" && [ $told -ne 0 ]; ok $? "all done: ends without the weights"

# Memory: what a rank took at most, beside weights and KV cache.
quiet="" answer 2 --model-id mem --verbose >/dev/null
rest=$(sed -n 's/^mtbench: peak memory of a rank: .* + rest \([0-9]*\).*/\1/p' "$d/err")
[ "${rest:-1000}" -le 100 ]; ok $? "a rank takes $rest MB beside weights and KV cache"

[ "$(answer 1 --model-id seed --seed 1 | digest)" != "$want" ]; ok $? "another seed, another digest"
[ "$(answer 2 --model-id two --num-choices 2 | digest)" = "$(answer 1 --model-id two1 --num-choices 2 | digest)" ]; ok $? "two choices: same digest on one and two ranks"

# Killed at any moment, resumed on another number of ranks.
for delay in 0.8 1.2 1.6; do
    mpirun --oversubscribe -n 2 ./mtbench answer --model-path "$model" --data-dir "$d" --bench-name smoke --max-new-token 24 --quiet --max-batch 1 --model-id "k$delay" >/dev/null 2>&1 &
    pid=$!
    sleep $delay
    kill -9 $(pgrep -P $pid) $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ "$(answer 3 --model-id "k$delay" | digest)" = "$want" ]; ok $? "kill -9 of all after $delay s, then three ranks: same digest"
    [ "$(grep -c '"status": "ok"' "$d/smoke/model_answer/k$delay.journal")" -eq 16 ]; ok $? "every turn stands once in the journal"
done
printf '{"question_id": 1, "cho' >>"$d/smoke/model_answer/r1.journal"
[ "$(answer 1 --model-id r1 | digest)" = "$want" ]; ok $? "a torn last line is cut off"

mpirun -n 1 ./mtbench answer --model-path "$model" --data-dir "$d" --bench-name smoke --quiet --model-id term --max-new-token 900 --max-batch 1 >/dev/null 2>&1 &
for _ in $(seq 12000); do [ -s "$d/smoke/model_answer/term.journal" ] && break; sleep 0.05; done
start=$(date +%s)
kill -TERM "$(pgrep -P $! -x mtbench)"
wait $!
rc=$?
[ $rc -eq 75 ] && [ $(($(date +%s) - start)) -le 300 ]; ok $? "SIGTERM ends the run with exit code 75 (got $rc)"

# Refusals: exit 1 and one line of ours.
refuse() { # what must be in the line, flags...
    local word=$1 rc
    shift
    answer 2 "$@" >/dev/null
    rc=$?
    [ $rc -eq 1 ] && [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ] && grep '^mtbench: ' "$d/err" | grep -q -- "$word"
    ok $? "refused: $(grep '^mtbench: ' "$d/err" | head -1 | cut -c1-150)"
}
refuse 'max_new_token was 24 and is 7' --model-id r1 --max-new-token 7
refuse 'sampler' --model-id r1 --top-k 7
refuse 'template' --model-id r1 --chat-template vicuna_v1.1
refuse 'did you mean --model-path' --model-pth x
refuse 'num-gpus' --model-id x --num-gpus-total 3 --num-gpus-per-model 2
refuse 'num-gpus-per-model 2: this model of 9 heads, .* can be spread over 1; give that' --model-id x --num-gpus-total 2 --num-gpus-per-model 2
refuse 'num-gpus-total 8: a rank drives one device, and this job has' --model-id x --num-gpus-total 8
refuse 'max-gpu-memory: the weights take 96.6 MB, allowed are 50.0 MB' --model-id x --max-gpu-memory 50MB
refuse 'none of the' --model-id x --question-begin 8
refuse 'no such file' --model-id x --model-path "$d/nothing"
refuse 'no such template' --model-id x --chat-template nothing
head -c 50000000 "$model" >"$d/cut.gguf"
refuse 'cut short' --model-id x --model-path "$d/cut.gguf"
head -c 1000000 "$model" >"$d/cut2.gguf"
refuse 'cut short' --model-id x --model-path "$d/cut2.gguf"
sed '0,/llama/s/llama/lmama/' "$model" >"$d/odd.gguf"
refuse 'not supported' --model-id x --model-path "$d/odd.gguf"
echo "{% if 'lighthouse' in messages[0].content %}{{ raise_exception('never') }}{% endif %}{{ messages[-1].content }}" >"$d/raise.jinja"
answer 1 --model-id raise --chat-template "$d/raise.jinja" --first-n 2 >"$d/out"
[ $? -eq 2 ] && grep -q ' 2/4 .* 2 failed' "$d/out" && grep -q never "$d/err"; ok $? "a template that refuses one question: failed turns with their reason, exit code 2"
broken() { # line of the message, questions on stdin
    mkdir -p "$d/broken" && cat >"$d/broken/question.jsonl"
    refuse "$1" --model-id x --bench-name broken
}
broken 'question.jsonl:2' < <(printf '{"question_id": 1, "category": "math", "turns": ["a"]}\n{"question_id": 2\n')
broken 'no "turns"' < <(printf '{"question_id": 1, "category": "math"}\n')
broken 'used before' < <(printf '{"question_id": 1, "category": "math", "turns": ["a"]}\n{"question_id": 1, "category": "math", "turns": ["b"]}\n')
broken 'UTF-8' < <(printf '{"question_id": 1, "category": "math", "turns": ["\xff"]}\n')
answer 1 --device cuda --model-id x >/dev/null
[ $? -eq 77 ]; ok $? "--device cuda without a GPU backend: exit code 77"
answer 1 --model-id r1 --fresh >/dev/null && [ -f "$d/smoke/model_answer/r1.journal.old1" ] && [ -f "$d/smoke/model_answer/r1.jsonl.old1" ]; ok $? "--fresh answers again and keeps the old journal and answers"
echo "1..$n"
exit $bad
