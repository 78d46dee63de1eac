#!/bin/bash
# TAP: models that are not run are refused in one line with the reason and a way, before any weight is read: by their architecture, by the name that they
# were published under, and differences of weights.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
refused() { # words, path: exit code 1, one line
    "$build/mtbench" prompt --model-path "$2" --data-dir "$d" --text "$d/text" >"$d/out" 2>"$d/err"
    [ $? -eq 1 ] && [ "$(wc -l <"$d/err")" -eq 1 ] && grep -Eq "$1" "$d/err"
    ok $? "$(head -n 1 "$d/err")"
}
runs() { # path
    "$build/mtbench" prompt --model-path "$1" --data-dir "$d" --text "$d/text" >"$d/out" 2>"$d/err"
    ok $? "$1 runs"
}
echo '"a"' >"$d/text"
export HF_HUB_CACHE=$d/hub

# ---- architectures: the files of a model that is whole but for its class; weights that cannot be read show that nobody tried ----
board() { # folder, class, type
    mkdir "$d/$1" && echo "{\"architectures\": [\"$2\"], \"model_type\": \"$3\"}" >"$d/$1/config.json" && echo no weights >"$d/$1/pytorch_model.bin"
}
board dolly-v2-12b GPTNeoXForCausalLM gpt_neox
refused "config.json: architecture GPTNeoXForCausalLM is not supported \(GPT-NeoX.*; .*fetch --only '\*/model_answer/dolly-v2-12b.jsonl'" "$d/dolly-v2-12b"
board falcon-40b-instruct RWForCausalLM RefinedWeb
refused "RWForCausalLM is not supported \(Falcon.*falcon-40b-instruct.jsonl" "$d/falcon-40b-instruct"
board some-mpt MPTForCausalLM mpt
refused "MPTForCausalLM is not supported \(MPT.*; known are LlamaForCausalLM" "$d/some-mpt"
board fastchat-t5-3b-v1.0 T5ForConditionalGeneration t5
refused "\(T5.*fastchat-t5-3b.jsonl" "$d/fastchat-t5-3b-v1.0"
board chatglm-6b ChatGLMModel chatglm
refused "\(ChatGLM.*chatglm-6b.jsonl" "$d/chatglm-6b"
cp -r "$d/model" "$d/mpt-7b-chat-llama" && rm "$d"/mpt-7b-chat-llama/tokenizer.json
refused "neither tokenizer.json nor tokenizer.model" "$d/mpt-7b-chat-llama"
touch "$d/RWKV-4-Raven-14B-v12.pth"
refused "RWKV.*rwkv-4-raven-14b.jsonl" "$d/RWKV-4-Raven-14B-v12.pth"
refused "stablelm-tuned-alpha-7b would not run.*GPT-NeoX" stabilityai/stablelm-tuned-alpha-7b
refused "gpt-4: a hosted model.*api-answer --model gpt-4" gpt-4

# ---- differences ----
refused "differences.*apply_delta" lmsys/vicuna-13b-delta-v1.1
mkdir -p "$d/diff/allenai"
ln -s "$d/model" "$d/diff/vicuna-7b-delta-v1.1" && ln -s "$d/model" "$d/diff/allenai/tulu-30b"
runs "$d/diff/vicuna-7b-delta-v1.1"
runs "$d/diff/allenai/tulu-30b"
cached=$d/hub/models--WizardLM--WizardLM-13B-V1.0
mkdir -p "$cached/refs" "$cached/snapshots" && printf abc >"$cached/refs/main" && cp -r "$d/model" "$cached/snapshots/abc"
refused "WizardLM/WizardLM-13B-V1.0: .*differences.*TheBloke/wizardLM-13B-1.0-fp16" WizardLM/WizardLM-13B-V1.0
refused "differences" "$cached/snapshots/abc"

# ---- weights that look like differences: refused where the name says so too, else said once, as they may be meant ----
answer() { "$build/mtbench" answer --model-path "$d/${2:-model}" --model-id "$1" --data-dir "$d" --bench-name smoke --first-n 1 --max-new-token 2 --threads 1 >"$d/out" 2>"$d/err"; }
answer whole && ! grep -q 'last norm' "$d/err"; ok $? "of a model as usual nothing is said"
answer named diff/vicuna-7b-delta-v1.1 && ! grep -q 'last norm' "$d/err"; ok $? "nor of one whose folder is called delta"
python3 - "$d/model/model-00001-of-00002.safetensors" <<'P'
import json, struct, sys
with open(sys.argv[1], "r+b") as f:
    n, = struct.unpack("<Q", f.read(8))
    begin, end = json.loads(f.read(n))["model.norm.weight"]["data_offsets"]
    f.seek(8 + n + begin)
    f.write(struct.pack("<e", -0.01) * ((end - begin) // 2))
P
answer small && grep -q 'the weights of the last norm are near 0 (0.0100 on average).*delta' "$d/err"; ok $? "weights that look like differences are named"
answer both diff/vicuna-7b-delta-v1.1
[ $? -eq 1 ] && grep -q 'vicuna-7b-delta-v1.1: .*differences.*apply_delta.*another name' "$d/err"; ok $? "and under the name of differences refused"
echo "1..$n"
exit $bad
