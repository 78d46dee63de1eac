#!/bin/bash
# TAP: tests/gpu/check: its plan; 77 where no GPU is; a rehearsal of its steps on the emulated driver; and that a failure of each step is seen.
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
build=build/${VARIANT:-release}
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; tail -30 "$d/said" | sed 's/^/#   /'; fi
}
tests/gpu/check --dry >"$d/said" 2>&1
[ $? -eq 0 ] && [ "$(grep -cE '^[a-z]+ +[0-9]+ s  [a-z7]' "$d/said")" -eq 8 ]; ok $? "the plan has eight steps"
tests/gpu/check >"$d/said" 2>&1
[ $? -eq 1 ] && grep -q '^check OUT' "$d/said"; ok $? "without a folder: usage"
tests/gpu/check "$d/o" nonsense >"$d/said" 2>&1
[ $? -eq 1 ] && grep -q 'no step nonsense' "$d/said"; ok $? "a step that is not there"
for p in mtbench-sim tests/gpu/ceilings.sim tests/gpu/speed.sim tests/gpu/make_model; do
    [ -x "$build/$p" ] || { ok 0 "the rest # SKIP no $p here: this build has no CUDA backend"; echo "1..$n"; exit $bad; }
done

# A bundle, as far as the script can tell, of the programs for the emulated driver.
b=$d/bundle
mkdir -p "$b"/{bin,libexec/tests/gpu,tests/gpu,tests/golden/tokenizers,data} "$d/path"
cp tests/gpu/check tests/gpu/peer.py "$b/tests/gpu/" && cp tests/golden/tokenizers/smollm.json "$b/tests/golden/tokenizers/" && cp -r data/smoke "$b/data/"
touch "$b/libexec/mtbench" && chmod +x "$b/libexec/mtbench"
place() { ln -sf "$PWD/$build/$1" "$b/$2"; }
script() { printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1"; }
plain() {
    place mtbench-sim bin/mtbench
    place tests/gpu/ceilings.sim libexec/tests/gpu/ceilings
    place tests/gpu/speed.sim libexec/tests/gpu/speed
    place tests/gpu/make_model libexec/tests/gpu/make_model
    script "$b/libexec/tests/gpu/one.gpu" 'echo "ok 1 - fine"; echo 1..1'
    rm -f "$d/path"/*
}
check() { PATH="$d/path:$PATH" CHECK_REHEARSE=1 timeout 600 "$b/tests/gpu/check" "$d/o" "$@" >"$d/said" 2>&1; rc=$?; }
passes() { [ $rc -eq 0 ] && ! grep -q '^FAILED' "$d/o/table" && grep -q '; failed: none$' "$d/said" && grep -qE "$1" "$d/o/table"; ok $? "$2"; }
fails() { # step, words, text
    [ $rc -eq 1 ] && grep -qE "^FAILED	$1: .*$2" "$d/o/table" && grep -qE "failed:.* $1\$" "$d/said" && [ "$(tail -2 "$d/said" | grep -c "^FAILED	$1")" -eq 1 ]
    ok $? "$3: $(grep -m1 ^FAILED "$d/o/table" | cut -c1-120)"
}
plain
if nvidia-smi -L >/dev/null 2>&1 || [ ! -x "$build/tests/gpu/ceilings" ]; then ok 0 "77 without a GPU # SKIP there is one, or no nvcc"; else
    timeout 60 tests/gpu/check "$d/o" card >"$d/said" 2>&1
    [ $? -eq 77 ] && [ "$(grep -c 'no usable GPU' "$d/said")" -eq 1 ]; ok $? "77 and a line without a GPU"
fi
check card; passes '^card	read	[0-9.]+	GB/s' "card: ceilings"
check kernels; passes '^kernels	one.gpu	1 of 1	cases' "kernels: a test of them"
check digests; passes '^digests	small, verify	4/4	turns equal' "digests: one of both batches, verified, beside the CPU"
check load speed; passes '^load	small, again: bytes of the model' "load: seconds and rates" && passes '^speed	decode by operation: linear	[0-9.]+' "speed: tokens per second, and time by operation"
check sanitizer profile peer; passes 'left out: ' "what is not there is left out, and said"
script "$d/path/compute-sanitizer" 'shift 4; exec "$@"'
script "$d/path/ncu" 'echo "linear_kernel attend_kernel"'
check sanitizer profile; passes '^sanitizer	synccheck one.gpu	clean' "sanitizer: four tools"

# ---- each step's failures
plain
MTB_CUDASIM=devices=0 check; [ $rc -eq 77 ] && grep -q 'no usable GPU' "$d/said"; ok $? "77 where the driver has no device"
MTB_CUDASIM=fail_launch=9 check card; fails card 'ceilings exits 1' "a launch that fails"
script "$b/libexec/tests/gpu/one.gpu" 'echo "ok 1 - fine"; echo "not ok 2 - row alone"; echo 1..2'
check kernels; fails kernels 'one.gpu exits 0: not ok 2 - row alone' "a case of a kernel that fails"
script "$b/libexec/tests/gpu/one.gpu" 'echo "ok 1 - fine"; kill -SEGV $$'
check kernels; fails kernels 'one.gpu exits 139' "a test that dies"
script "$b/libexec/tests/gpu/one.gpu" ':'
check kernels; fails kernels 'one.gpu exits 0' "a test that tests nothing"
rm "$b/libexec/tests/gpu/one.gpu"
check kernels; fails kernels 'no tests of kernels' "no tests"
plain
script "$d/path/compute-sanitizer" '[ $2 = racecheck ] && { echo "========= Race reported"; exit 9; }; exit 0'
check sanitizer; fails sanitizer 'racecheck one.gpu exits 9: ========= Race' "a report of compute-sanitizer"
plain
script "$b/bin/mtbench.new" "case \"\$*\" in *--max-batch\\ 80*) '$PWD/$build/mtbench-sim' \"\$@\" | sed 's/^digest.*/digest    0000000000000000000000000000000000000000000000000000000000000000/' ;; *) exec '$PWD/$build/mtbench-sim' \"\$@\" ;; esac"
mv "$b/bin/mtbench.new" "$b/bin/mtbench"
check digests; fails digests 'digests of batch 1 and 80 differ' "another digest in another batch"
script "$b/bin/mtbench.new" "[ \$1 != verify ] || exit 2; exec '$PWD/$build/mtbench-sim' \"\$@\""
mv "$b/bin/mtbench.new" "$b/bin/mtbench"
check digests; fails digests 'verify exits 2' "turns that do not come again"
script "$b/bin/mtbench.new" "case \"\$*\" in *--compare*) echo 'linear: layer 1 differs' >&2; exit 0 ;; *) exec '$PWD/$build/mtbench-sim' \"\$@\" ;; esac"
mv "$b/bin/mtbench.new" "$b/bin/mtbench"
check digests; fails digests 'beside the CPU: linear: layer 1' "operations that differ from the CPU's"
plain
MTB_CUDASIM=mem=1M check load; fails load 'answer .* exits 1' "a model that does not fit the card"
script "$b/libexec/tests/gpu/speed.new" 'exit 3'; mv "$b/libexec/tests/gpu/speed.new" "$b/libexec/tests/gpu/speed"
check speed; fails speed 'context 9 exits 3' "speed that cannot be measured"
script "$d/path/ncu" 'echo "==ERROR== no permission"; exit 1'
check profile; fails profile 'ncu exits 1: ==ERROR== no permission' "ncu that may not"
script "$d/path/ncu" 'echo linear_kernel'
check profile; fails profile 'ncu shows no attend_kernel' "ncu that catches no attention"
plain
script "$d/path/python3" 'case "$*" in *there) exit 0 ;; *) exit 5 ;; esac'
check load peer; fails peer 'peer.py speed exits 5' "transformers that fails"
plain
script "$b/libexec/tests/gpu/one.gpu" 'exec sleep 30'
END=4 check kernels; fails kernels 'ran out of its [0-4] s' "a step that takes too long"
LIMIT=0 check card; fails card 'no time was left' "a step that cannot begin any more"
rm "$b/bin/mtbench"
check card; [ $rc -eq 1 ] && grep -q 'does not start here, and there are no sources' "$d/said"; ok $? "a program that does not start"
[ -z "$(ls -d "${TMPDIR:-/tmp}"/mtbench-check.* 2>/dev/null)" ]; ok $? "nothing is left behind"
echo "1..$n"
exit $bad
