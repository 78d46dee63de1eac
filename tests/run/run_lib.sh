# run_lib.sh - what the tests of whole runs share: a random model, a way to run `mtbench answer` on it under mpirun with a saboteur in one rank,
# and TAP lines. Sourced by tests/run/*.t.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_odls_base_sigkill_timeout=0
export MTBENCH_DEVICE=${MTBENCH_DEVICE:-cpu}
build=build/${VARIANT:-release}
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/out" "$d/err" | head -20; fi
}
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
mkdir "$d/smoke" && cp data/smoke/question.jsonl "$d/smoke/" && python3 tests/run/random_model.py "$d/model" || { echo "Bail out! no random model"; exit 1; }
answers="$d/smoke/model_answer"
# run RANKS FLAGS...: exit code in $rc, seconds in $s, output in $d/out and $d/err
run() {
    local ranks=$1 start
    shift
    start=$(date +%s%N)
    timeout 600 mpirun --oversubscribe ${sabotage:+-x LD_PRELOAD="$PWD/$build/tests/saboteur.so" -x SABOTAGE="$sabotage"} -n "$ranks" "$build/mtbench" answer \
        --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 8 --quiet "$@" >"$d/out" 2>"$d/err"
    rc=$?
    s=$((($(date +%s%N) - start) / 1000000000))
}
# other_weights [FOLDER]: one number of the model becomes another, or itself again; names, sizes and headers stay.
other_weights() { python3 -c 'import sys
with open(sys.argv[1], "r+b") as f:
    at = f.seek(-1, 2)
    byte = f.read(1)[0] ^ 1
    f.seek(at)
    f.write(bytes([byte]))' "$(ls "${1:-$d/model}"/*.safetensors | tail -1)"; }
said() { grep -c '^mtbench: ' "$d/err"; }
digest() { sed -n "s|^digest *||p" "$d/out" | tail -1; }
turns() { [ ! -f "$1" ] || tail -n +2 "$1" | grep -c '"status": "ok"'; }

