#!/bin/bash
# TAP: a model in PyTorch shards answers as its twin in safetensors does, on one node and on pretended ones, each byte read once; a shard that
# lies behind its directory fails on all ranks with one line. Greedy, as the stream of random numbers is named by the files.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
answer() { # ranks, flags...
    local ranks=$1
    shift
    timeout 600 mpirun --oversubscribe -n "$ranks" "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 --temperature 0 "$@" \
        >"$d/out" 2>"$d/err"
}
answer 1 --quiet --model-id twin; ok $? "safetensors answer"
want=$(digest)
python3 - "$d/model" <<'PY' || { echo "Bail out! no PyTorch shards"; exit 1; }
import glob, json, os, struct, sys
sys.path.insert(0, "tests/tools")
import torch_file
folder, table = sys.argv[1], {}
for path in sorted(glob.glob(folder + "/*.safetensors")):
    data = open(path, "rb").read()
    at = 8 + struct.unpack("<Q", data[:8])[0]
    tensors = [(k, t["dtype"], t["shape"], data[at + t["data_offsets"][0]:at + t["data_offsets"][1]]) for k, t in json.loads(data[8:at]).items()]
    name = "pytorch_" + os.path.basename(path).replace(".safetensors", ".bin")
    torch_file.save(os.path.join(folder, name), tensors)
    table.update((t[0], name) for t in tensors)
    os.remove(path)
json.dump({"metadata": {}, "weight_map": table}, open(folder + "/pytorch_model.bin.index.json", "w"))
PY
for ranks in 1 3; do
    answer $ranks --quiet --model-id "r$ranks" && [ ${#want} -eq 64 ] && [ "$(digest)" = "$want" ]; ok $? "$ranks ranks: the same digest"
done
MTBENCH_TEST_RANKS_PER_NODE=1 answer 3 --verbose --model-id nodes && [ "$(digest)" = "$want" ] && grep -q ': 1.00 of its bytes' "$d/err"
ok $? "three nodes: the same digest, and each byte leaves the file system once"

# The second shard's last storage: a local header of another name, far behind what is read at the start.
python3 - "$d/model" <<'PY'
import glob, sys
path = sorted(glob.glob(sys.argv[1] + "/*.bin"))[-1]
data = bytearray(open(path, "rb").read())
at = data.rindex(b"PK\3\4", 0, data.rindex(b"PK\3\4"))
data[at + 30] ^= 1
open(path, "wb").write(data)
PY
MTBENCH_TEST_RANKS_PER_NODE=1 answer 3 --quiet --model-id spoiled; [ $? -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'pytorch_model-00002-of-00002.bin: zip member .* does not begin; copy' "$d/err"
ok $? "a lie behind the directory: one line"
truncate -s -1 "$d/model/pytorch_model-00001-of-00002.bin"
answer 3 --quiet --model-id cut; [ $? -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'pytorch_model-00001-of-00002.bin: no end of its zip archive; the file is cut short' "$d/err"
ok $? "a shard that is cut short: one line"
echo "1..$n"
exit $bad
