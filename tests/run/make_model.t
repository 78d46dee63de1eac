#!/bin/bash
# TAP: tests/gpu/make_model: a model of random weights that the program reads, the same on every machine, whose layers do not depend on how many there are.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
make="$build/tests/gpu/make_model"
"$make" "$d/a" small 0 tests/golden/tokenizers/smollm.json 5 773 >"$d/out" && "$make" "$d/b" small 0 tests/golden/tokenizers/smollm.json 5 773 >"$d/out" &&
    cmp -s "$d/a/model.safetensors" "$d/b/model.safetensors"
ok $? "twice the same bytes"
"$make" "$d/one" small 1 >"$d/out"
python3 - "$d/a/model.safetensors" "$d/one/model.safetensors" <<'PY'
import json, struct, sys
def tensors(path):
    data = open(path, 'rb').read()
    n = struct.unpack('<Q', data[:8])[0]
    return {k: data[8 + n + v['data_offsets'][0]:8 + n + v['data_offsets'][1]] for k, v in json.loads(data[8:8 + n]).items()}
two, one = tensors(sys.argv[1]), tensors(sys.argv[2])
shared = [k for k in one if '.layers.' in k or 'embed' in k]
head = two['lm_head.weight']
sys.exit(not (len(shared) == 10 and all(one[k] == two[k] for k in shared) and two['model.layers.0.mlp.up_proj.weight'] != two['model.layers.1.mlp.up_proj.weight']
              and not any(head[:5 * 512]) and any(head[5 * 512:6 * 512]) and not any(head[773 * 512:]) and any(head[772 * 512:773 * 512])
              and one['lm_head.weight'][5 * 512:773 * 512] == head[5 * 512:773 * 512]))
PY
ok $? "one layer is the first of two; the head has the tokenizer's tokens, and none that ends a text"
echo '"hello there"' >"$d/text"
"$build/mtbench" prompt --model-path "$d/a" --text "$d/text" --top-logits 5 >"$d/out" 2>"$d/err" &&
    python3 -c "import json; t = json.load(open('$d/out'))['top']; s = [x for _, x in t]; exit(not (1 < s[4] < s[0] < 40 and all(i < 773 for i, _ in t)))"
ok $? "the program computes with it, and its logits spread"
"$make" /proc/nothing small >"$d/out" 2>"$d/err"; [ $? -eq 1 ] && grep -q '^make_model: /proc/nothing' "$d/err"; ok $? "a folder that cannot be made"
for rows in "5" "5 5" "-1 773" "5 1025"; do
    "$make" "$d/c" small 0 tests/golden/tokenizers/smollm.json $rows >"$d/out" 2>"$d/err"; [ $? -eq 1 ] && grep -q 'FIRST END' "$d/err"; ok $? "rows of the head: $rows"
done
"$make" "$d/c" 9b >"$d/out" 2>"$d/err"; [ $? -eq 1 ] && grep -q 'llama2-7b' "$d/err"; ok $? "an unknown shape"
echo "1..$n"
exit $bad
