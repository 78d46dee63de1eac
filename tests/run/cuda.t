#!/bin/bash
# TAP: the whole program on the emulated driver of tests/cudasim (mtbench-sim): --device cuda from start to answers. One digest whatever the batch,
# however often it was killed, in whatever order threads run; what a machine without a usable GPU is told; what is left after an error of the device.
cd "$(dirname "$0")/../.." || exit 1
sim=build/${VARIANT:-release}/mtbench-sim
[ -x "$sim" ] || { echo "1..0 # SKIP this build has no CUDA backend: there is no nvcc"; exit 0; }
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset CUDA_VISIBLE_DEVICES MTB_CUDASIM
n=0 bad=0
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/err" | cut -c1-300 | tail -12; fi
}
python3 tests/run/random_model.py "$d/model" 2 || { echo "Bail out! no model"; exit 1; }
mkdir -p "$d/b"
for i in 1 2 3; do echo "{\"question_id\": $i, \"category\": \"math\", \"turns\": [\"Tell me of $i cats.\", \"And of dogs?\"]}"; done >"$d/b/question.jsonl"
answer() { # MODEL_ID, flags
    local id=$1
    shift
    timeout 300 "$sim" answer --device cuda --model-path "$d/model" --model-id "$id" --data-dir "$d" --bench-name b --max-new-token 8 --threads 1 "$@" \
        >"$d/out" 2>"$d/err"
    rc=$?
    cat "$d/out" >>"$d/err"
}
digest() { sed -n 's/^digest *//p' "$d/out"; }

program=${sim%-sim}; [ -x "$program" ] && ! ldd "$sim" "$program" | grep -qiE 'cuda|nvidia'; ok $? "the program needs no library of NVIDIA's to start"

# ---- one digest ----
answer together --max-batch 8; one=$(digest)
[ $rc -eq 0 ] && [ ${#one} -eq 64 ]; ok $? "three questions are answered on the GPU"
answer alone --max-batch 1; [ $rc -eq 0 ] && [ "$(digest)" = "$one" ]; ok $? "one at a time: the same digest"
MTB_CUDASIM="order=reverse eager fill=0" answer reverse --max-batch 2; [ "$(digest)" = "$one" ]; ok $? "threads in reverse, streams at once, memory of zeros: the same digest"
MTB_CUDASIM="order=random seed=5 arch=80" answer random --max-batch 3; [ "$(digest)" = "$one" ]; ok $? "threads in any order: the same digest"
! grep -q cudasim "$d/err"; ok $? "the emulator has nothing to report"
answer warm --max-batch 3 --temperature 0.9 --top-p 0.8; a=$(digest); answer warm2 --max-batch 1 --temperature 0.9 --top-p 0.8
[ ${#a} -eq 64 ] && [ "$(digest)" = "$a" ] && [ "$a" != "$one" ]; ok $? "drawn above temperature 0: one digest, too"

# ---- ended and started again ----
(answer killed --max-batch 1; exit $rc) & job=$!
for _ in $(seq 600); do # until two turns are in, behind the journal's first line
    [ "$(grep -cs . "$d/b/model_answer/killed.journal" || true)" -gt 2 ] 2>/dev/null && break
    sleep 0.1
done
pkill -TERM -P $job timeout; wait $job; [ $? -eq 75 ]; ok $? "ended by a signal: exit 75"
answer killed --max-batch 2; [ $rc -eq 0 ] && [ "$(digest)" = "$one" ]; ok $? "ended by a signal and started again: the same digest"
timeout 300 "$sim" answer --device cpu --model-path "$d/model" --model-id mixed --data-dir "$d" --bench-name b --max-new-token 8 --first-n 1 >/dev/null 2>&1
answer mixed; [ $rc -eq 1 ] && grep -q 'numerics was cpu-f32-kv16-v1.* is cuda-sm90-f16-kv16-v1' "$d/err"; ok $? "what the CPU began the GPU does not continue"

# ---- errors of the device, and of numbers ----
MTB_CUDASIM="quiet lose_device=330" answer lost --max-batch 1
[ $rc -ne 0 ] && [ "$(grep -c '^mtbench: .*GPU 0: .* of step [0-9]*: .*CUDA error' "$d/err")" -eq 1 ] && grep -q '; ' "$d/err"; ok $? "a lost device: one line says where and what to do (exit $rc)"
answer lost --max-batch 2; [ $rc -eq 0 ] && [ "$(digest)" = "$one" ]; ok $? "started again: the digest of a run that was not disturbed"
MTB_CUDASIM="quiet fail_alloc=2" answer memory; [ $rc -ne 0 ] && [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ] && grep -q 'GPU 0' "$d/err"
ok $? "device memory that is not given: one line (exit $rc)"

MTB_CUDASIM=mem=66M answer small; [ $rc -ne 0 ] && grep -q 'weights: need .* this GPU has [0-9.]* MB to give; use a smaller model' "$d/err"
ok $? "a GPU without room for the weights: said before any is read (exit $rc)"
MTB_CUDASIM=mem=100M answer fits --max-batch 4 --verbose; [ $rc -eq 0 ] && grep -q 'memory of a GPU: weights .* MB available' "$d/err" && [ "$(digest)" = "$one" ]
ok $? "a small GPU: as many sequences as fit, the same digest"

python3 - "$d" <<'END'
import glob, json, shutil, struct, sys
shutil.copytree(sys.argv[1] + "/model", sys.argv[1] + "/nan")
path = sorted(glob.glob(sys.argv[1] + "/nan/*.safetensors"))[0]
b = bytearray(open(path, "rb").read())
n = struct.unpack("<Q", b[:8])[0]
at = 8 + n + json.loads(b[8:8 + n])["model.layers.0.mlp.up_proj.weight"]["data_offsets"][0]
b[at:at + 2] = b"\x00\x7e"
open(path, "wb").write(b)
END
answer nan --model-path "$d/nan" --first-n 1; grep -q 'NaN or infinite logits .* first in layer 0 (of 0 to 1), feed-forward' "$d/err" && grep -q '0/2 turns' "$d/err"
ok $? "a weight that is no number: named, and nothing drawn"

# ---- no usable GPU ----
for what in "no_driver|there is no NVIDIA driver" "devices=0|the driver finds none" "driver=12040|the driver knows CUDA 12.4 and this program needs 1[3-9]" \
    "stub|libcuda.so.1 is the CUDA toolkit's stub" "arch=75|number 0 has compute capability 7.5 and the kernels need 8.0"; do
    MTB_CUDASIM=${what%|*} answer none; [ $rc -eq 77 ] && grep -q "no usable GPU: ${what#*|}.*; .*--device cpu" "$d/err"; ok $? "${what%|*}: exit 77, the reason and the remedy"
done
MTB_CUDASIM="quiet no_image" answer none; [ $rc -eq 77 ] && [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ] && grep -q 'GPU 0: .*no kernel image.*; build with MTBENCH_CUDA_ARCHS.* --device cpu' "$d/err"
ok $? "a GPU that the kernels were not built for: exit 77, the reason and the remedy"
CUDA_VISIBLE_DEVICES=5 MTB_CUDASIM=devices=0 answer none; [ $rc -eq 77 ] && grep -q 'CUDA_VISIBLE_DEVICES=5 names none' "$d/err"; ok $? "CUDA_VISIBLE_DEVICES that names none: exit 77"
CUDA_VISIBLE_DEVICES=gpu0 answer none; [ $rc -eq 77 ] && grep -q '"gpu0" is neither' "$d/err"; ok $? "CUDA_VISIBLE_DEVICES that is no list: exit 77"
MTBENCH_DEVICE=auto MTB_CUDASIM=no_driver answer auto --device auto; [ $rc -eq 0 ] && [ "$(grep -c 'no usable GPU.*computing on the CPU' "$d/err")" -eq 1 ]; ok $? "--device auto says once that it falls back"
echo "1..$n"
exit $bad
