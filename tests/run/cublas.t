#!/bin/bash
# cublas.t - `answer --matmul cublas`, on the emulated driver with the emulated cuBLASLt: the same digest whatever runs together, named in
# the answers' manifest so that no run goes on by other products, refused in one line where the library is not there or does not do.
. tests/run/run_lib.sh
make -s "$build/mtbench-sim" >"$d/out" 2>"$d/err" || { echo "1..0 # SKIP no CUDA backend here: $(tail -1 "$d/err")"; exit 0; }
"$build/mtbench-sim" answer --help | grep -q -- --matmul || { echo "Bail out! answer has no --matmul"; exit 1; }
rm -rf "$d/model" && python3 tests/run/random_model.py "$d/model" 2 || { echo "Bail out! no random model"; exit 1; }
# sim ID FLAGS...: answers as model ID; exit code in $rc
sim() {
    local id=$1
    shift
    MTB_CUDASIM="$emulated" timeout 300 "$build/mtbench-sim" answer --model-path "$d/model" --model-id "$id" --data-dir "$d" --bench-name smoke \
        --device cuda --max-new-token 4 --question-end 3 "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
emulated=
sim one --matmul cublas --max-batch 1
[ $rc -eq 0 ]; ok $? "answers by cuBLASLt's products"
first=$(digest)
sim many --matmul cublas --max-batch 8
[ $rc -eq 0 ] && [ -n "$first" ] && [ "$(digest)" = "$first" ]; ok $? "the same digest for one and for eight together: $first, $(digest)"
grep -q 'kv16-cublas-' "$answers/one.journal"; ok $? "the journal names the path: $(grep -o 'cuda-sm[^",]*' "$answers/one.journal" | head -1)"
sim own
[ $rc -eq 0 ] && ! grep -q 'cublas' "$answers/own.journal"; ok $? "own kernels unless asked"

cp "$answers/own.jsonl" "$d/before"
sim own --matmul cublas
[ $rc -ne 0 ] && grep -q 'numerics was cuda-sm.* and is cuda-sm.*cublas' "$d/err"; ok $? "answers of own kernels are not gone on with: $(tail -1 "$d/err")"
cmp -s "$d/before" "$answers/own.jsonl"; ok $? "and stays as it was"

# what is not here is refused before anything is read; what does not do, when the weights have come
for case in "none cannot open shared object" "old version 11.8" "bad no algorithm for products"; do
    read -r is words <<<"$case"
    emulated="cublas=$is"
    sim refused --matmul cublas --quiet
    [ $rc -eq 77 ] && [ "$(said)" -eq 1 ] && grep -q -- "$words" "$d/err" && grep -q -- '--matmul own' "$d/err"
    ok $? "cublas=$is: exit $rc, $(tail -1 "$d/err")"
done
emulated=
sim chosen --matmul cublas --verbose --max-batch 2
grep -q "algorithm 66.*(4 others were rejected)" "$d/out" "$d/err"; ok $? "what was chosen is said: $(grep -h 'algorithm' "$d/err" "$d/out" | head -1)"
"$build/mtbench" answer --model-path "$d/model" --model-id cpu --data-dir "$d" --bench-name smoke --device cpu --matmul cublas --quiet >"$d/out" 2>"$d/err"
rc=$?
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q -- '--matmul' "$d/err"; ok $? "the CPU has no such products: $(cat "$d/err")"
emulated=no_driver
MTBENCH_DEVICE=auto sim auto --device auto --matmul cublas --quiet
[ $rc -eq 77 ] && [ "$(said)" -eq 1 ] && grep -q -- '--matmul cublas: is for GPUs: no usable GPU: there is no NVIDIA driver.*--matmul own' "$d/err"
ok $? "nor has auto where there is no GPU, and it says why there is none: $(cat "$d/err")"
echo "1..$n"
exit $bad
