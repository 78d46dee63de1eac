#!/bin/bash
# TAP: tests/check-rooms finds what it is there for. Small trees without git, each with one planted breach.
cd "$(dirname "$0")/../.." || exit 1
check=$PWD/tests/check-rooms
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
n=0 bad=0
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' "$d/out" | grep -v '#   ok' | head; fi; }
tree() { # a house of three rooms in which all is well
    rm -rf "$d/t" && mkdir -p "$d/t/include/mtbench" "$d/t"/src/{base,judge,report,job,backend} "$d/t"/kernels/{cpu,cuda} && cd "$d/t" || exit 1
    echo '/* buf.h - bytes (room: base). */' >include/mtbench/buf.h
    echo '/* grader.h - verdicts (room: judge). */' >include/mtbench/grader.h
    echo '/* match.h - judge only */' >src/judge/match_priv.h
    printf '#include "mtbench/grader.h"\n#include "match_priv.h"\n#include "mtbench/buf.h"\n#include <stdio.h>\n' >src/judge/grader.c
    echo '#include "mtbench/buf.h"' >src/report/score.c
    echo '#include <mpi.h>' >src/job/job.c
    echo '#include <mpi.h>' >src/backend/comm_mpi.c
    echo '#include <immintrin.h>' >kernels/cpu/simd.h
    echo '__global__ void k(void);' >kernels/cuda/k.cu
    echo '#define K_SHARED(type, name, n) __shared__ type name[n]' >kernels/cuda/simt.h
    echo '/* kernels.h - launchers */' >kernels/cuda/kernels.h
    echo '#include "kernels/cuda/kernels.h"' >src/backend/cuda.h
    printf '#include "cuda.h"\n#include <cuda_runtime_api.h>\n' >src/backend/cuda_memory.c
}
planted() { # file, line, what
    tree
    printf '%s\n' "$2" >>"$1"
    "$check" "$d/t" >"$d/out"
    [ $? -eq 1 ] && grep -q '^not ok' "$d/out" && grep -q "^# $1[: ]" "$d/out"
    ok $? "$3"
}
tree
"$check" "$d/t" >"$d/out"
ok $? "a house in order passes"
grep -q '^# looked at 11 includes' "$d/out"
ok $? "it says how many includes it saw"
planted src/report/score.c '#include "mtbench/grader.h"' "an arrow that points the wrong way"
planted src/base/buf.c '#  include   "mtbench/grader.h"' "the same, spaced differently, upward"
planted src/report/score.c '#include <mtbench/grader.h>' "the same in angle brackets"
planted src/report/score.c '#include "src/judge/match_priv.h"' "a private header of another room from the top"
planted src/report/score.c '#include "../judge/match_priv.h"' "a private header of another room by a relative path"
planted src/report/score.c '#include "mtbench/../../src/judge/match_priv.h"' "a private header by way of include/"
planted include/mtbench/buf.h '#include "src/judge/match_priv.h"' "a private header in a public one"
planted src/report/score.c '#include HEADER' "a header that a macro names"
planted src/report/score.c '#include "no_such.h"' "a header that is nowhere"
planted include/mtbench/orphan.h '/* orphan.h - of no room */' "a public header without a room"
planted src/backend/comm_other.c '#include <mpi.h>' "MPI in a second file of the backend"
planted src/backend/pool.c '# include "mpi.h"' "MPI in quotes"
planted src/backend/cpu.c '#include <x86intrin.h>' "intrinsics outside the kernels"
planted kernels/cuda/k.cu 'v = *reinterpret_cast<const uint4 *>(p);' "a vector's access that the emulator does not see as one"
planted src/backend/cpu.c '#include <cuda_runtime.h>' "CUDA outside its file"
planted kernels/cpu/simd.h '__global__ void f(void);' "CUDA syntax outside kernels/cuda"
planted src/backend/executor.c '#include "kernels/cuda/kernels.h"' "launchers outside the CUDA executor"
planted src/backend/executor.c '#include <cuda_runtime_api.h>' "the CUDA runtime outside the CUDA executor"
planted kernels/cuda/k.cu '__shared__ float part[32];' "shared memory that is not the dialect's"
planted kernels/cuda/k.cu '    asm volatile("trap;");' "PTX outside the dialect"
planted kernels/cuda/k.cu '#if __CUDA_ARCH__ >= 900' "a question for the architecture outside the dialect"
planted kernels/cuda/k.cu 'void f(void) { k<<<1, 1>>>(); }' "a launch that the emulator cannot read"
planted src/judge/batch.c '#include <curl/curl.h>' "curl outside http.c"
planted src/report/campaign.c '#include <hdf5.h>' "HDF5 in a second file of its room"
planted kernels/cpu/simd.h '#include "mtbench/grader.h"' "a kernel that knows of judges"
tree; mkdir src/bench; touch src/bench/score.c
"$check" "$d/t" >"$d/out"
[ $? -eq 1 ] && grep -q '^# score.c' "$d/out"
ok $? "two files of one name"
tree; mkdir src/attic; echo 'int x;' >src/attic/old.c
"$check" "$d/t" >"$d/out"
[ $? -eq 1 ] && grep -q '^# src/attic/old.c belongs to no room' "$d/out"
ok $? "a room that is not in the house"
echo "1..$n"
exit $bad
