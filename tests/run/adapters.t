#!/bin/bash
# TAP: a LoRA adapter runs on its base in a hub cache, on one rank as on three and on pretended nodes; the manifest names the base, and a resume
# on another one is refused. Greedy, as the stream of random numbers is named by the files.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
export HF_HUB_CACHE=$d/hub
mkdir -p "$d/hub/models--org--base/refs" "$d/hub/models--org--base/snapshots" && printf c1 >"$d/hub/models--org--base/refs/main"
base=$d/hub/models--org--base/snapshots/c1
mv "$d/model" "$base"
# adapter FOLDER B: of rank 2 on each q_proj, all numbers of B the same
adapter() { mkdir -p "$1" && python3 - "$base" "$1" "$2" <<'PY'
import glob, json, math, os, struct, sys
base, out, b = sys.argv[1], sys.argv[2], float(sys.argv[3])
tensors, head, data = {}, {}, b""
for path in glob.glob(base + "/*.safetensors"):
    raw = open(path, "rb").read()
    tensors.update(json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]]))
for name in sorted(tensors):
    if name.endswith("q_proj.weight"):
        n, k = tensors[name]["shape"]
        for part, shape, value in (("A", [2, k], lambda i: math.sin(i)), ("B", [n, 2], lambda i: b)):
            numbers = [value(i) for i in range(shape[0] * shape[1])]
            head[f"base_model.model.{name[:-7]}.lora_{part}.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * len(numbers)]}
            data += struct.pack(f"<{len(numbers)}f", *numbers)
text = json.dumps(head).encode()
open(out + "/adapter_model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
json.dump({"peft_type": "LORA", "base_model_name_or_path": "org/base", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}, open(out + "/adapter_config.json", "w"))
PY
}
answer() { # ranks, flags...
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe -n "$ranks" "$build/mtbench" answer --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 --temperature 0 "$@" >"$d/out" 2>"$d/err"
}
adapter "$d/lora" 0.5 && adapter "$d/nothing" 0 || { echo "Bail out! no adapters"; exit 1; }
answer 1 --quiet --model-path org/base --model-id base; ok $? "the base answers"
plain=$(digest)
answer 1 --quiet --model-path "$d/nothing" --model-id nothing && [ "$(digest)" = "$plain" ]; ok $? "with an adapter that adds 0: the base's answers"
answer 1 --quiet --model-path "$d/lora" --model-id one && [ "$(digest)" != "$plain" ]; ok $? "with one that adds something: others"
want=$(digest)
answer 3 --quiet --model-path "$d/lora" --model-id three && [ "$(digest)" = "$want" ]; ok $? "three ranks: the same digest"
MTBENCH_TEST_RANKS_PER_NODE=1 answer 3 --verbose --model-path "$d/lora" --model-id nodes && [ "$(digest)" = "$want" ] && grep -q ': 1.00 of its bytes' "$d/err" \
    && grep -q 'an adapter; its base is .*/snapshots/c1, tokenizer and chat template are the base.s' "$d/err"
ok $? "three nodes: the same digest, and each byte leaves the file system once"
answer 2 --quiet --model-path "$d/lora" --base-model-path "$base" --model-id flag && [ "$(digest)" = "$want" ]; ok $? "--base-model-path: the same digest"
HF_HUB_CACHE=$d/empty "$build/mtbench" verify --data-dir "$d" --bench-name smoke --model-id flag --sample 2 --quiet >"$d/out" 2>"$d/err" && grep -qE '^verified +2/2 ' "$d/out"
ok $? "verify finds the base where the run did"
grep -q '"adapter": "LoRA, r 2, alpha 4", "adapter_base": "org/base", "adapter_base_path": ".*/snapshots/c1"' "$answers/one.manifest"
ok $? "the manifest names the base"

cp -rL "$base" "$d/other" && echo >>"$d/other/config.json"
answer 2 --quiet --model-path "$d/lora" --base-model-path "$d/other" --model-id one; [ $? -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'made otherwise: adapter_base_header_sha256 was ' "$d/err"
ok $? "a resume on another base is refused, and the base named"
HF_HUB_CACHE=$d/empty answer 2 --quiet --model-path "$d/lora" --model-id gone; [ $? -eq 1 ] && [ "$(said)" -eq 1 ] &&
    grep -q 'lora/adapter_config.json: the base model org/base is no folder here, and revision main of it is not in the hub cache .*mtbench fetch --model org/base.*--base-model-path' "$d/err"
ok $? "no base: one line with both ways out"
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
HF_HUB_CACHE=$d/empty "$build/mtbench" plan --data-dir "$d" --bench-name smoke --reference smoke --model-list one --judge-model own --judge-path "$d/lora" --judge-base-model-path "$base" \
    >"$d/out" 2>"$d/err" && grep -q 'MB for the adapter while the weights are loaded' "$d/out"
ok $? "a judge that is an adapter, its base by --judge-base-model-path; plan says what it takes"
HF_HUB_CACHE=$d/empty "$build/mtbench" plan --data-dir "$d" --bench-name smoke --reference smoke --model-list one --judge-model own --judge-path "$d/lora" >"$d/out" 2>"$d/err"
[ $? -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'the base model org/base is no folder here.*, or name its folder by --judge-base-model-path' "$d/err"; ok $? "without it: told"
HF_HUB_CACHE=$d/empty "$build/mtbench" prompt --model-path "$d/lora" --base-model-path "$base" --text <(echo '"a"') --top-logits 1 >"$d/out" 2>"$d/err" && grep -q '"top"' "$d/out"
ok $? "prompt takes --base-model-path"
"$build/mtbench" prompt --model-path "$base" --base-model-path "$d/other" --text <(echo '"a"') >"$d/out" 2>"$d/err"; [ $? -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'no adapter' "$d/err"
ok $? "--base-model-path of a model that is no adapter: one line"
adapter "$d/large" 1e9
answer 3 --quiet --model-path "$d/large" --model-id large; [ $? -eq 1 ] && [ "$(said)" -eq 1 ] &&
    grep -q 'tensor model.layers.[0-9].self_attn.q_proj.weight: with the adapter a number is too large for F16' "$d/err"
ok $? "a sum that the base's type cannot hold: one line"
cp "$base"/*.safetensors "$d/nothing/" && mv "$(ls "$d"/nothing/model*.safetensors | head -1)" "$d/nothing/model.safetensors"
answer 1 --model-path "$d/nothing" --model-id beside && [ "$(digest)" = "$plain" ] && grep -q 'an adapter beside model.safetensors' "$d/err"; ok $? "full weights beside an adapter: said"
echo "1..$n"
exit $bad
