#!/bin/bash
# TAP: the machine code of the kernels, read by NVIDIA's disassembler from PyPI: products are the tensor core's, weights and keys come by 16 bytes a lane,
# and nothing lies in local memory.
cd "$(dirname "$0")/../.." || exit 1
[ -e build/cuda/libkernels.a ] || { echo "1..0 # SKIP no kernels were built: there is no nvcc"; exit 0; }
python=$(tests/peers/venv cuda 2>/dev/null) || { echo "1..0 # SKIP the disassembler cannot be had from PyPI"; exit 0; }
bin=$(echo "${python%/bin/python}"/lib/python3*/site-packages/nvidia/cu*/bin)
chmod +x "$bin"/* 2>/dev/null
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
n=0 bad=0
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi; }
for o in build/cuda/*.o; do
    k=${o##*/} k=${k%.o}
    PATH=$bin:$PATH cuobjdump -sass "$o" >"$d/$k" 2>&1 && grep -q 'EXIT' "$d/$k"; ok $? "$k: can be read"
    ! grep -qE '\b(LDL|STL)\b' "$d/$k"; ok $? "$k: nothing in local memory"
done
for k in linear attend; do
    # of each function that has instructions: one line with its name, its tensor core's products, its wide streaming loads
    awk '/Function :/ { if (f) print f, mma, wide; f = $3; mma = wide = 0 } /HMMA\.16816\.F32/ { mma++ } /LDG\.E\.(NA\.|EF\.)?128/ { wide++ } END { print f, mma, wide }' "$d/$k" >"$d/counts"
    [ -s "$d/counts" ] && ! awk '$2 == 0 || $3 == 0' "$d/counts" | grep -q .
    ok $? "$k: tensor cores and loads of 16 bytes in all $(wc -l <"$d/counts") functions"
done
echo "1..$n"
exit $bad
