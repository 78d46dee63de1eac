#!/bin/bash
# TAP: greedy answers of the CPU and of the GPU (the emulated driver of tests/cudasim) part at near-ties only: at the first token that differs each
# has the other's token close behind its own, as a share of the spread of its logits there. `prompt --compare` finds no op beyond what operands of 16
# bits cost. A random model; and the demo model (135M, Q4_1, which the GPU widens to bf16): a few tokens of one question, or
# with MTB_SLOW=1 48 tokens of 2 questions, and every op, which takes minutes.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
sim=$build/mtbench-sim
[ -x "$sim" ] || { echo "1..0 # SKIP no $sim: it is built where nvcc's headers are"; exit 0; }
demo=data/models/SmolLM2-135M-Instruct.Q4_1.gguf
unset CUDA_VISIBLE_DEVICES
export MTB_CUDASIM=unguarded
python3 tests/run/random_model.py "$d/small" 2
prompt() { # DEVICE MODEL QUESTION FLAGS...
    timeout 800 "$sim" prompt --device "$1" --model-path "$2" --data-dir "$d" --bench-name smoke --question "$3" --quiet "${@:4}" 2>"$d/err"
}
# How two lines of `prompt --greedy` part: prints it, and fails where it is no near-tie.
cat >"$d/part.py" <<'END'
import json, sys
cpu, gpu, bound = json.load(open(sys.argv[1])), json.load(open(sys.argv[2])), float(sys.argv[3])
assert cpu["ids"] == gpu["ids"], "two prompts"
widest = 0
for i, (a, b) in enumerate(zip(cpu["greedy"], gpu["greedy"])):
    mine, its = a["top"][0][0], b["top"][0][0]
    if mine == its:
        continue
    for name, place, other in ("cpu", a, its), ("gpu", b, mine):
        logit = dict(map(tuple, place["top"]))
        assert other in logit, f"token {i}: {other} is not among the {len(logit)} best of the {name}"
        gap = (place["top"][0][1] - logit[other]) / place["spread"]
        widest = max(widest, gap)
        print(f"# token {i}, {name}: {mine} has {logit[mine]:.5f}, {its} has {logit[its]:.5f}, a gap of {gap:.2e} of the spread {place['spread']:.3f}")
    break
else:
    print(f"# {len(cpu['greedy'])} tokens, all of them equal")
sys.exit(widest > bound)
END
near() { # NAME MODEL TOKENS BOUND QUESTION...
    local q name=$1 model=$2 tokens=$3 bound=$4
    for q in "${@:5}"; do
        prompt cpu "$model" "$q" --top-logits 8 --greedy "$tokens" >"$d/cpu" && prompt cuda "$model" "$q" --top-logits 8 --greedy "$tokens" >"$d/gpu" &&
            python3 "$d/part.py" "$d/cpu" "$d/gpu" "$bound" 2>"$d/out"
        ok $? "$name, question $q: equal, or apart at a near-tie"
    done
}
beside() { # NAME MODEL BOUND FLAGS...
    prompt cpu "$2" 1 --compare cuda --compare-bound "$3" --top-logits 1 "${@:4}" >"$d/out"
    rc=$?
    sed -n 's/^\([a-z_]* .*largest.*\)/# \1/p' "$d/err"
    [ $rc -eq 0 ]; ok $? "$1: op by op, $(tail -1 "$d/err")"
}
near random "$d/small" 24 0.02 1 2 3
beside random "$d/small" 0.01

# ---- the tool itself: what it says is what `answer` does, and a token that is another one for no reason is told
timeout 300 "$sim" answer --device cpu --model-path "$d/small" --model-id a --data-dir "$d" --bench-name smoke --max-new-token 24 --temperature 0 --first-n 1 --quiet \
    >"$d/out" 2>"$d/err"
prompt cpu "$d/small" 1 --top-logits 8 --greedy 24 >"$d/cpu"
python3 - "$answers/a.jsonl" "$d/cpu" <<'END'
import json, sys
said, line = json.loads(open(sys.argv[1]).readline())["choices"][0]["turns"][0], json.load(open(sys.argv[2]))
ids = [g["top"][0][0] for g in line["greedy"]]
sys.exit(not (line["greedy_text"].strip() == said.strip() and len(ids) == 24 and line["greedy"][0]["top"] == line["top"]))
END
ok $? "prompt --greedy has the tokens that answer gives"
python3 - "$d/cpu" "$d/gpu" <<'END'
import json, sys
line = json.load(open(sys.argv[1]))
top = line["greedy"][5]["top"]
top[0], top[7] = top[7], top[0]
json.dump(line, open(sys.argv[2], "w"))
END
! python3 "$d/part.py" "$d/cpu" "$d/gpu" 0.02 >"$d/out"; ok $? "another token is no near-tie: $(grep -m 1 cpu "$d/out")"
prompt cpu "$d/small" 1 --greedy 3; [ $? -eq 1 ] && grep -q -- '--greedy: .*give --top-logits' "$d/err"; ok $? "--greedy alone is refused"

if [ ! -f "$demo" ]; then
    n=$((n + 1)); echo "ok $n - the demo model # SKIP data/fetch.sh brings it"
elif [ "${MTB_SLOW:-}" ]; then
    near demo "$demo" 48 0.05 1 2
    beside demo "$demo" 0.1
else
    near demo "$demo" 8 0.05 1
fi
echo "1..$n"
exit $bad
