#!/bin/bash
# TAP: make bundle: the folder and its archive, in a root that has a C library, a shell and nothing else: alone, under its own mpirun, with the
# variables of a launcher of another kind, moved to a path with blanks, and behind a link: the digest of here.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL
root=$d/root
why=
command -v patchelf >/dev/null || why="no patchelf here (make bundle installs it)"
[ -n "$why" ] || unshare --user --map-root-user --mount --pid --fork --mount-proc chroot / /bin/true 2>"$d/err" ||
    why="user namespaces or chroot are not permitted here: $(head -1 "$d/err")"
[ -z "$why" ] || { echo "1..0 # SKIP $why"; exit 0; }
make -s bundle B="$build" >"$d/out" 2>"$d/err"
ok $? "make bundle: $(tr '\n' ' ' <"$d/out")"
archive=$(ls -t "$build"/bundle/*.tar.gz 2>/dev/null | head -1)
[ -n "$archive" ] || { echo "1..$n"; exit 1; }
[ "$(stat -c %s "$archive")" -lt $((40 << 20)) ]; ok $? "the archive is small"
mkdir -p "$root"/{opt,bin,lib64,dev,proc,sys,tmp,etc,work} "$d/unpacked" && tar -C "$d/unpacked" -xzf "$archive"
at="$root/opt/some folder/mt bench"
mkdir -p "${at%/*}" && mv "$d"/unpacked/* "$at"
[ -z "$(find "$at" -type l)" ]; ok $? "no links in it: it can be copied anywhere"

# What a bare machine has: the C library's own files, by the package that they come from or by name, and a shell.
loader=$(ldd /bin/sh | grep -o '/[^ ]*ld-linux[^ ]*')
cp -L "$loader" "$root/lib64/" && cp -L /bin/sh "$root/bin/sh"
libc=$(dirname "$(ldd /bin/sh | awk '$1 == "libc.so.6" { print $3 }')")
mkdir -p "$root/$libc"
for l in libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libutil.so.1 libnss_files.so.2; do
    [ ! -e "$libc/$l" ] || cp -L "$libc/$l" "$root/$libc/"
done
printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
cp -rL "$d/model" "$root/work/model" && cp -r "$d/smoke" "$root/work/smoke"
in_root() { # words of a shell command in the bare root
    timeout 600 unshare --user --map-root-user --mount --pid --fork sh -c '
        mount --rbind /dev "$1/dev" && mount --rbind /sys "$1/sys" && mount -t proc none "$1/proc" || exit 90
        exec env -i PATH=/nowhere "$3" "$1" /bin/sh -c "cd /work && $2"' sh "$root" "$1" "$(command -v chroot)" >"$d/out" 2>"$d/err"
    rc=$?
}
# The same libraries are not there in another way.
in_root '"/opt/some folder/mt bench/libexec/mtbench" --version'
[ $rc -eq 0 ]; ok $? "the program itself finds its libraries"
mv "$at/lib" "$at/gone"; in_root '"/opt/some folder/mt bench/libexec/mtbench" --version'; mv "$at/gone" "$at/lib"
[ $rc -ne 0 ] && grep -q 'cannot open shared object file' "$d/err"; ok $? "and nowhere else: $(head -1 "$d/err" | cut -c1-100)"

run 2 --model-id here
want=$(digest)
[ ${#want} -eq 64 ]; ok $? "the digest of here: $want"
flags="--model-path model --data-dir . --bench-name smoke --max-new-token 8 --max-batch 8 --quiet"
same() { # text, command before `answer`, id
    in_root "$2 answer $flags --model-id $3"
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ ! -s "$d/err" ]; ok $? "$1: the digest of here"
}
bin='"/opt/some folder/mt bench/bin'
root_ok='OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1'
same "alone" "$bin/mtbench\"" alone
same "two ranks" "$root_ok $bin/mpirun\" --oversubscribe -n 2 $bin/mtbench\"" two
mv "$at" "$root/opt/b" && mv "$root/opt/some folder" "$root/opt/gone"
same "moved, two ranks" "$root_ok /opt/b/bin/mpirun --oversubscribe -n 2 /opt/b/bin/mtbench" moved
same "with Open MPI's variables of another place" "OPAL_PREFIX=/usr PMIX_PREFIX=/usr /opt/b/bin/mtbench" other
mv "$root/opt/b/libexec/orted" "$root/opt/orted"
same "alone without orted" "/opt/b/bin/mtbench" bare
mv "$root/opt/orted" "$root/opt/b/libexec/orted"
in_root 'cd /opt/b/bin && ./mtbench --version'
[ $rc -eq 0 ]; ok $? "from its own folder"
in_root 'cd /opt/b/bin && PATH=/opt/b/bin:. && mtbench --version'
[ $rc -eq 0 ]; ok $? "by PATH"
in_root '/opt/b/bin/mpirun --oversubscribe -n 2 /opt/b/bin/mtbench --version'
[ $rc -ne 0 ] && grep -qi 'root' "$d/err"; ok $? "mpirun's own texts are found: it says that it refuses root"
in_root 'cd /opt/b && bin/mtbench prompt --model-path /work/model --bench-name smoke --question 1'
[ $rc -eq 0 ] && grep -q '^{"prompt"' "$d/out"; ok $? "its questions are found from its folder"

# What a check of a GPU needs, where this build has it: each program starts, and the check is found to be whole.
if [ -x "$root/opt/b/libexec/tests/gpu/ceilings" ] && ! nvidia-smi -L >/dev/null 2>&1; then
    in_root 'cd /opt/b/libexec/tests/gpu && ./make_model /tmp/small small 1 /opt/b/tests/golden/tokenizers/smollm.json 5 773'
    [ $rc -eq 0 ] && [ -s "$root/tmp/small/tokenizer.json" ]; ok $? "make_model makes a model: $(tail -1 "$d/out")"
    others=
    for t in "ceilings 1" "speed /tmp/small cuda 1 decode:1:1" "same cuda 2 1 /tmp/small"; do
        in_root "cd /opt/b/libexec/tests/gpu && ./$t"
        [ $rc -eq 77 ] && grep -q 'driver' "$d/err" || others+=" $t: exit $rc"
    done
    [ -z "$others" ]; ok $? "programs of the check start, and find no GPU$others"
    in_root 'cd /opt/b/libexec/tests/gpu && ./speed /tmp/small cpu 1 decode:5:2'
    [ $rc -eq 0 ] && grep -q '^decode, 2 at 5 tokens' "$d/out"; ok $? "one computes on the CPU: $(grep -m1 '^decode' "$d/out")"
    for t in "$root"/opt/b/libexec/tests/gpu/*.gpu; do
        in_root "cd /opt/b && libexec/tests/gpu/${t##*/}"
        grep -qE '^(Bail out!|1\.\.0 # SKIP) .*driver' "$d/out" || others+=" ${t##*/}: exit $rc"
    done
    [ -z "$others" ]; ok $? "so do the tests of kernels$others"
    timeout 100 "$root/opt/b/tests/gpu/check" "$d/gpu" >"$d/out" 2>"$d/err"
    [ $? -eq 77 ] && grep -q '^check: no usable GPU: .*driver' "$d/out" && [ -s "$d/gpu/log" ]; ok $? "tests/gpu/check: $(tail -1 "$d/out")"
    (cd "$root/opt/b" && ls tests/golden/tiny/*/config.json tests/gpu/peer.py data/smoke/question.jsonl >"$d/out" 2>"$d/err"); ok $? "what it reads is there"
else ok 0 "# SKIP the check of a GPU: this build has no CUDA, or there is one"; fi
[ "$(find "$root/opt/b" -name '*.so*' -newer "$archive" | wc -l)" -eq 0 ]; ok $? "it wrote nothing into itself"
before=$(sha256sum <"$archive")
make -s bundle B="$build" >"$d/out" 2>"$d/err" && [ "$(sha256sum <"$archive")" = "$before" ]; ok $? "made again: the same bytes"
echo "1..$n"
exit $bad
