#!/bin/bash
# TAP: registers, shared memory, spills and SASS slots of the kernels that were built, against kernels/cuda/TABLE.txt.
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
exec python3 tests/tools/cuda_table --check
