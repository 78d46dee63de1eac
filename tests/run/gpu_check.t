#!/bin/bash
# TAP: tests/gpu/check: its plan; 77 where no GPU is; a rehearsal of its steps on the emulated driver; that a failure of each step is seen, and what is
# there to know of it kept; that what is not there is left out; that it ends in time, and whatever a step had started with it.
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset MTBENCH_CUBLASLT MTB_CUDASIM LIMIT END
build=build/${VARIANT:-release}
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
export TMPDIR=$d/tmp && mkdir "$TMPDIR"
n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; tail -30 "$d/said" | cut -c1-300 | sed 's/^/#   /'; fi
}
tests/gpu/check --dry >"$d/said" 2>&1
[ $? -eq 0 ] && [ "$(grep -cE '^[a-z]+ +[0-9]+ s  [a-z0-9]' "$d/said")" -eq 10 ]; ok $? "the plan has ten steps"
tests/gpu/check >"$d/said" 2>&1
[ $? -eq 1 ] && grep -q '^check OUT' "$d/said"; ok $? "without a folder: usage"
tests/gpu/check "$d/o" nonsense >"$d/said" 2>&1
[ $? -eq 1 ] && grep -q 'no step nonsense' "$d/said"; ok $? "a step that is not there"
for p in mtbench-sim tests/gpu/{ceilings,speed,same}.sim tests/gpu/make_model; do
    [ -x "$build/$p" ] || { ok 0 "the rest # SKIP no $p here: this build has no CUDA backend"; echo "1..$n"; exit $bad; }
done

# A bundle, as far as the script can tell, of the programs for the emulated driver, at a path with a blank.
b="$d/a bundle"
mkdir -p "$b"/{bin,libexec/tests/gpu,tests/gpu,tests/golden/tokenizers,data} "$d/path"
cp tests/gpu/check tests/gpu/peer.py "$b/tests/gpu/" && cp tests/golden/tokenizers/smollm.json "$b/tests/golden/tokenizers/" && cp -r data/smoke "$b/data/"
cp -r tests/golden/tiny "$b/tests/golden/"
rm -rf "$b/data/smoke/model_answer"
touch "$b/libexec/mtbench" && chmod +x "$b/libexec/mtbench"
place() { ln -sf "$PWD/$build/$1" "$b/$2"; }
script() { printf '#!/bin/bash\n%s\n' "$2" >"$1.new" && chmod +x "$1.new" && mv "$1.new" "$1"; }
one="$b/libexec/tests/gpu/one.gpu"
plain() {
    local t
    place mtbench-sim bin/mtbench
    for t in ceilings speed same; do place tests/gpu/$t.sim libexec/tests/gpu/$t; done
    place tests/gpu/make_model libexec/tests/gpu/make_model
    script "$one" 'echo "ok 1 - fine"; echo 1..1'
    rm -f "$d/path"/*
    script "$d/path/nvidia-smi" 'exit 9'
    script "$d/path/python3" 'exit 1'
    for t in ncu compute-sanitizer; do script "$d/path/$t" 'exit 1'; done
}
check() { PATH="$d/path:$PATH" CHECK_REHEARSE=1 timeout 600 "$b/tests/gpu/check" "$d/o" "$@" >"$d/said" 2>&1; rc=$?; }
has() { grep -qE "$1" "$d/o/table"; }
passes() { # words of the table, text
    [ $rc -eq 0 ] && ! has '^FAILED' && grep -q '; failed: none$' "$d/said" && [ ! -e "$d/o/findings" ] && has "$1"; ok $? "$2: $(grep -m1 -E "$1" "$d/o/table" | tr '\t' ' ' | cut -c1-110)"
}
fails() { # step, words, text[, words of the findings]
    [ $rc -eq 1 ] && has "^FAILED	$1: .*$2" && grep -qE "failed:.* $1\$" "$d/said" && [ "$(tail -3 "$d/said" | grep -c "^FAILED	$1")" -ge 1 ] &&
        grep -qF "==== $1: " "$d/o/findings" && grep -qE "${4:-.}" "$d/o/findings"
    ok $? "$3: $(grep -m1 ^FAILED "$d/o/table" | cut -c1-150)"
}
plain
if nvidia-smi -L >/dev/null 2>&1 || [ ! -x "$build/tests/gpu/ceilings" ]; then ok 0 "77 without a GPU # SKIP there is one, or no nvcc"; else
    timeout 60 tests/gpu/check "$d/o" card >"$d/said" 2>&1
    [ $? -eq 77 ] && [ "$(grep -c 'no usable GPU: .*driver' "$d/said")" -eq 1 ]; ok $? "77 and a line without a GPU: $(tail -1 "$d/said")"
fi

# ---- what is found, where everything is well
script "$d/path/nvidia-smi" 'echo "NVIDIA H100 80GB HBM3, 580.95.05, 81559 MiB, 1980 MHz, 2619 MHz, 33, 71.22 W"'
(cd "$d" && PATH="$d/path:$PATH" CHECK_REHEARSE=1 timeout 600 "$b/tests/gpu/check" o card >"$d/said" 2>&1; exit $?); rc=$?
passes '^card	read	[0-9.]+	GB/s' "card: ceilings, into a folder named from where it was called" && has '^card	name, driver.*	NVIDIA H100 80GB HBM3, 580' && has 'left out: product ceiling: no torch'
ok $? "card: nvidia-smi's line; torch is not there"
check kernels; passes '^kernels	one.gpu	1 of 1	cases' "kernels: a test of them"
script "$one" 'echo "1..0 # SKIP no such library"'
check kernels; passes '^kernels	left out: one.gpu: no such library' "kernels: a test that skips itself is no failure"
check digests; passes '^digests	mistral_nemo, digest of 5 and 1 together, up to 1024 and 64 rows a step	[0-9a-f]{12}	one' "digests: of an architecture" &&
    has '^digests	mistral_nemo, logits, largest distance from the CPU.s	[0-9.e-]+	of their spread .bound' && has '^digests	small, verify	4/4	turns equal'
ok $? "digests: logits beside the CPU's, verify"
check load speed cublas whole; passes '^load	small, again: weights ready after	[0-9.]+	s' "load: seconds and rates"
has '^speed	decode, 3 at 70 tokens: linear	[0-9.]+	ms a step, 9 calls, [0-9.]+ MB' && has '^speed	prompts, 2 of 9 tokens	[0-9.]+	tok/s'; ok $? "speed: tokens per second, and time by operation"
has '^cublas	certified, 256 outputs from 256 inputs	algorithm [0-9]+	tile.*rejected' && has '^cublas	small, digest of' && has '^cublas	decode, 3 at 70 tokens	[0-9.]+	tok/s .own kernels [0-9.]+'
ok $? "cublas: what is certified, one digest, own kernels beside"
has '^whole	3 questions, two turns, 4 new tokens each: start to last answer	[0-9.]+	s, 6/6 turns .* 24 tokens'; ok $? "whole: no answer ends before its time"
check card whole; passes '^whole	the least: .*	[0-9.]+	s .*took [0-9.]+ times that' "whole: beside the least"
rm "$d/path"/{ncu,compute-sanitizer}
if command -v ncu compute-sanitizer >/dev/null || [ -x /usr/local/cuda/bin/ncu ] || [ -x /usr/local/cuda/bin/compute-sanitizer ]; then ok 0 "# SKIP the tools are here"; else
    check sanitizer profile peer; passes 'left out: compute-sanitizer is not here' "what is not there is left out" && has '^profile	left out: ncu is not here' && has '^peer	left out: transformers'
    ok $? "and said"
fi

# ---- compute-sanitizer, as it writes
sanitizer() { # what it prints of racecheck, exit code
    script "$d/path/compute-sanitizer" "while [ \"\$1\" != --tool ]; do shift; done; tool=\$2
echo '========= COMPUTE-SANITIZER'
[ \$MTB_FEW = 1 ] || exit 3
[ \$tool = racecheck ] || { \"\${@: -1}\"; echo '========= ERROR SUMMARY: 0 errors'; exit 0; }
$1
exit $2"
}
clean='"${@: -1}"; echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"'
plain; sanitizer "$clean" 0
check sanitizer; passes '^sanitizer	racecheck one.gpu	clean' "sanitizer: clean" && [ "$(grep -c 'one.gpu	clean' "$d/o/table")" -eq 4 ]; ok $? "four tools"
sanitizer 'echo "========= Error: Race reported between Write access at linear_kernel+0x140"; echo "=========     and Read access at linear_kernel+0xe0 [4 hazards]"
echo "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)"' 9
check sanitizer; fails sanitizer 'racecheck one.gpu: 1 found: .*Race reported' "a race" 'and Read access at linear_kernel'
sanitizer 'echo "========= Warning: Race reported between Write access at x"; echo "========= RACECHECK SUMMARY: 2 hazards displayed (0 errors, 2 warnings)"' 0
check sanitizer; fails sanitizer 'racecheck one.gpu: 2 found' "warnings, with which it exits 0"
sanitizer 'echo "ok 1 - a"; echo "not ok 2 - rows alone"; echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"' 1
check sanitizer; fails sanitizer 'clean, but the test exits 1: not ok 2 - rows alone' "nothing found in a test that fails under it"
sanitizer 'echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"; kill -SEGV $$' 0
check sanitizer; fails sanitizer 'clean, but the test exits 139' "nothing found in a test that died"
sanitizer 'echo "========= Error: Target application terminated before first instrumented API call"' 255
check sanitizer; passes '^sanitizer	left out: racecheck one.gpu: cannot run here .255.: =+ Error: Target application terminated' "a tool that cannot run here"
sanitizer 'echo "========= Error: No attachable process found. compute-sanitizer timed-out."' 0
check sanitizer; passes '^sanitizer	left out: racecheck one.gpu: .*No attachable process' "one that looked at nothing, and exits 0"
sanitizer 'echo "========= Error: Race reported between Write access at x"; exec sleep 60' 0
END=32 check sanitizer; fails sanitizer 'racecheck one.gpu: some found' "a race that is found before the time runs out"

# ---- ncu, as it writes
ncu() { # what it prints, exit code
    script "$d/path/ncu" "echo '==PROF== Connected to process 77 (/x/speed)'; echo 'decode, 1 at 9 tokens	9	tok/s'; $1; exit $2"
}
names='"ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size","Grid Size","Device","CC"'
metrics='"dram__bytes_read.sum","dram__bytes_write.sum","gpu__time_duration.sum","l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum","l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum","launch__grid_size","launch__thread_count","smsp__sass_data_bytes_mem_global_op_ld.sum","smsp__sass_data_bytes_mem_global_op_st.sum"'
row() { echo "\"$1\",\"77\",\"speed\",\"127.0.0.1\",\"$2\",\"1\",\"7\",\"(256, 1, 1)\",\"(256, 1, 1)\",\"0\",\"9.0\",\"33,554,432\",\"16384\",\"12,345\",\"1,050,000\",\"512\",\"256\",\"65536\",\"33,600,000\",\"16,384\""; }
{
    echo "$names,$metrics"
    echo '"","","","","","","","","","","","byte","byte","ns","sector","sector","","thread","byte","byte"'
    row 0 'void linear_kernel<(bool)0, (int)1>(product)'
    row 1 'void attend_kernel<(bool)0>(attend_args, k_step)'
} >"$d/ncu.csv"
plain; ncu "cat '$d/ncu.csv'" 0
check profile; passes '^profile	decode:9:1: linear_kernel, 256 blocks, 65536 threads	12.35	us, DRAM 33554432 bytes read, 16384 written; by threads 33600000 read, 16384 written, 1050512 sectors, 1.00 of ideal' "profile: a product"
has '^profile	decode:9:1: attend_kernel, 256 blocks'; ok $? "and attention"
ncu "grep -v attend '$d/ncu.csv'" 0
check profile; fails profile 'decode:9:1: no attend_kernel' "ncu that catches no attention"
ncu 'case "$*" in *smsp__sass*) echo "==ERROR== Failed to find metric smsp__sass_data_bytes_mem_global_op_ld.sum"; exit 1 ;; esac; '"sed 's/,\"33,600.*//' '$d/ncu.csv'" 0
check profile; passes '^profile	decode:9:1: linear_kernel, .*16384 written$' "metrics that a card lacks are done without"
ncu 'echo "==WARNING== No kernels were profiled."; echo "Available Kernels:"; echo "1. linear_kernel"; echo "2. attend_kernel"' 0
check profile; passes '^profile	left out: ncu decode:9:1: exits 0: ==WARNING== No kernels were profiled' "ncu that profiled nothing"
ncu 'echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters on the target device 0."' 1
check profile; passes '^profile	left out: ncu .*ERR_NVGPUCTRPERM' "ncu that may not"

# ---- each step's failures
plain
MTB_CUDASIM=devices=0 check; [ $rc -eq 77 ] && grep -q 'no usable GPU' "$d/said"; ok $? "77 where the driver has no device"
script "$d/path/nvidia-smi" 'echo "Field \"power.draw\" is not a valid field to query."; exit 2'
check card; [ $rc -eq 0 ] && has '^card	left out: nvidia-smi: Field .power.draw'; ok $? "nvidia-smi that does not know a field"
script "$b/libexec/tests/gpu/ceilings" "[ \$1 = 1 ] && [ -e '$d/tmp/was' ] && { echo 'ceilings: read_all: an illegal memory access was encountered' >&2; exit 1; }; touch '$d/tmp/was'; exec '$PWD/$build/tests/gpu/ceilings.sim' \"\$@\""
check card; fails card 'ceilings: exits 1: .*illegal memory access' "a launch that fails"
plain
script "$one" 'echo "ok 1 - fine"; echo "not ok 2 - row alone"; echo "#   differs at 17"; echo 1..2'
check kernels; fails kernels 'one.gpu: exits 0: not ok 2 - row alone' "a case of a kernel that fails" 'differs at 17'
script "$one" 'echo "ok 1 - fine"; kill -SEGV $$'
check kernels; fails kernels 'one.gpu: exits 139' "a test that dies"
script "$one" 'echo "Bail out! cuda: GPU 0: attend in layer 1: unspecified launch failure"; exit 1'
check kernels; fails kernels 'one.gpu: exits 1: Bail out! cuda: GPU 0: attend' "a test that gives up"
script "$one" ':'
check kernels; fails kernels 'one.gpu: exits 0' "a test that tests nothing"
rm "$one"
check kernels; fails kernels 'no tests of kernels' "no tests"
plain
script "$b/libexec/tests/gpu/same" 'echo "x, digest	1	one"; echo "FAILED	x: logits behind 3 tokens are 4e-1 of their spread"; echo "first beyond: linear, layer 3, row 7" >&2; exit 1'
check digests; fails digests 'x: logits behind 3 tokens' "another computation than the CPU's" 'linear, layer 3, row 7'
script "$b/libexec/tests/gpu/same" 'echo "same: smollm: GPU 0: linear in layer 0: launch failure" >&2; exit 77'
check digests; fails digests 'same: exits 77: same: smollm: GPU 0: linear' "a card that fails in the middle of it"
plain
instead() { script "$b/bin/mtbench" "case \"\$*\" in $1 ;; *) exec '$PWD/$build/mtbench-sim' \"\$@\" ;; esac"; }
instead "*--max-batch\\ 80*) '$PWD/$build/mtbench-sim' \"\$@\" | sed 's/^digest.*/digest    0000000000000000000000000000000000000000000000000000000000000000/'"
check digests; fails digests 'digests of batch 1 and 80 differ' "another digest in another batch"
instead 'verify*) echo "differs   question 1, turn 1, token 3"; exit 2'
check digests; fails digests 'verify: exits 2: differs   question 1' "turns that do not come again"
plain
MTB_CUDASIM=mem=66M check load; fails load 'answer .*: exits 1: ' "a model that does not fit the card" 'MB'
script "$b/libexec/tests/gpu/speed" 'echo "decode, 1 at 9	5	tok/s"; echo "speed: GPU 0: linear in layer 1: lost" >&2; exit 77'
check speed; fails speed 'speed: exits 77: speed: GPU 0: linear in layer 1' "speed that cannot be measured to its end"
has '^speed	decode, 1 at 9	5	tok/s'; ok $? "what was measured before stands"
plain
MTBENCH_CUBLASLT=$d/none MTB_CUDASIM=cublas=none check cublas; passes '^cublas	left out: .*--matmul cublas: .*cannot open' "cuBLASLt that is not there"
MTB_CUDASIM=cublas=bad check cublas; fails cublas 'same: exits 77: .*no algorithm for products' "cuBLASLt that keeps no bits"
plain
script "$b/libexec/tests/gpu/make_model" 'echo "make_model: cannot write: No space left on device" >&2; exit 1'
check load; fails load 'make_model small: exits 1: .*No space left' "no room for a model"
plain
script "$d/path/python3" 'case "$*" in *there) echo "torch 2.11, transformers 5.17, cuda" ;; *) echo "RuntimeError: CUDA out of memory" >&2; exit 5 ;; esac'
check peer; fails peer 'peer.py speed: exits 5: RuntimeError' "transformers that fails"
script "$d/path/python3" 'case "$*" in *there) echo "torch 2.11, transformers 5.17, cuda" ;; *speed*) echo "transformers bf16 generate, batch 1	30.0	tok/s" ;; *logits*) echo "FAILED	logits: error of ours 2e-1, of transformers 1e-2"; exit 1 ;; *) exit 1 ;; esac'
check peer; fails peer 'logits: error of ours' "logits less exact than transformers'"
has '^peer	transformers bf16 generate, batch 1	30.0	tok/s'; ok $? "its rates stand"

# ---- time
plain
script "$one" 'setsid sleep 77.5 & exec sleep 30'
END=16 check kernels; fails kernels 'one.gpu: ran out of time' "a test that takes too long"
! ps -eo args | grep -q '^sleep 77.5$'; ok $? "what it had started ends with it"
LIMIT=0 check card; [ $rc -eq 1 ] && has '^FAILED	card: no time was left' && grep -q 'failed: card$' "$d/said"; ok $? "a step that cannot begin any more"
script "$one" 'exec sleep 60'
(PATH="$d/path:$PATH" CHECK_REHEARSE=1 exec "$b/tests/gpu/check" "$d/o" card kernels >"$d/said" 2>&1) & job=$!
for _ in $(seq 300); do grep -q '^== kernels' "$d/said" 2>/dev/null && break; sleep 0.1; done
sleep 0.3; kill -TERM $job; start=$SECONDS; wait $job; rc=$?
[ $rc -eq 143 ] && [ $((SECONDS - start)) -lt 10 ] && grep -q '^card .*read' "$d/said" && tail -1 "$d/said" | grep -q 'failed: ended by a signal'; ok $? "ended by a signal: the table all the same"

# ---- which program
rm "$b/bin/mtbench"
check card; [ $rc -eq 1 ] && grep -q 'no program that does here, and none could be compiled' "$d/said"; ok $? "a program that does not start"
plain
t="$d/checkout"; mkdir -p "$t/build/release/bundle" "$t/tests" && cp -r "$b/tests/gpu" "$b/tests/golden" "$t/tests/" && mkdir "$t/data" && cp -r "$b/data/smoke" "$t/data/"
cp -rL "$b" "$d/mtbench-1" && tar -C "$d" -czf "$t/build/release/bundle/mtbench-1.tar.gz" mtbench-1 && rm -rf "$d/mtbench-1"
LIMIT=0 timeout 100 "$t/tests/gpu/check" "$d/o" card >"$d/said" 2>&1; grep -q 'unpacking build/release/bundle/mtbench-1.tar.gz' "$d/said" && grep -q '^FAILED	card: no time' "$d/said"
ok $? "a checkout whose program does not start takes the bundle that lies in it"
[ -z "$(ls "$TMPDIR" /dev/shm 2>/dev/null | grep mtbench-check)" ]; ok $? "nothing is left behind"
echo "1..$n"
exit $bad
