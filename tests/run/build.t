#!/bin/bash
# TAP: what make says and leaves behind: missing tools, the commit in --version, make install.
cd "$(dirname "$0")/../.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL
n=0 bad=0
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; tail -5 "$d/out" | sed 's/^/#   /'; bad=1; fi
}
fails() { # words, make's arguments
    local words=$1
    shift
    ! make "$@" >"$d/out" 2>&1 && grep -q -- "$words" "$d/out" && ! grep -q 'error:' "$d/out"
    ok $? "make $* fails: $words"
}
fails 'no MPI compiler; "make deps"' B="$d/b" CC=false
PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=/none fails 'a library is missing; "make deps"' B="$d/b"
# All but HDF5, whose .pc file is where clusters' modules put it, or nowhere.
mkdir "$d/pc"
for p in libcjson libpcre2-8 libutf8proc hwloc libcrypto libcurl md4c md4c-html; do printf 'Name: %s\nDescription: %s\nVersion: 1\n' $p $p >"$d/pc/$p.pc"; done
PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$d/pc fails 'HDF5 is missing; install libhdf5-dev ("make deps" does)' B="$d/b"
fails 'there are release, asan, tsan and mutate' VARIANT=nonsense

# ---- nvcc: one that only says who it is
mkdir -p "$d/cuda/bin" "$d/cuda/lib64" "$d/cuda/include" && touch "$d/cuda/lib64/libcudart_static.a"
nvcc() { # release, targets
    cat >"$d/cuda/bin/nvcc" <<END
#!/bin/sh
case "\$*" in
*--version*) echo "Cuda compilation tools, release $1, V$1.88" ;;
*-dryrun*) echo '#\$ INCLUDES="-I$d/cuda/include"' >&2; echo '#\$ LIBRARIES=  "-L$d/cuda/lib64"' >&2 ;;
*--list-gpu-arch*) printf 'compute_%s\n' $2 ;;
*) exit 1 ;;
esac
END
    chmod +x "$d/cuda/bin/nvcc"
}
said() { # words, make's arguments: what make would build for, with this nvcc
    local words=$1
    shift
    make -n "$d/b/cuda" B="$d/b" NVCC="$d/cuda/bin/nvcc" "$@" >"$d/out" 2>&1
    grep -q -- "$words" "$d/out"; ok $? "make $*: $words"
}
unset MTBENCH_CUDA_ARCHS NVCC
nvcc 11.8 "75 80 86 89 90"
fails 'CUDA 11.8 is too old, 12.0 or later is needed; .*NVCC=none' B="$d/b" NVCC="$d/cuda/bin/nvcc"
nvcc 12.4 "50 75 80 86 87 89 90"
said 'building for the CPU and CUDA 12.4 for sm_80 sm_86 sm_89 sm_90[^ ]*;'
said 'CUDA 12.4 for sm_90[^ ]*;' MTBENCH_CUDA_ARCHS=90
said 'CUDA 12.4 for sm_90a[^ ]*;' MTBENCH_CUDA_ARCHS=90a
said 'CUDA 12.4 for sm_89[^ ]*;' MTBENCH_CUDA_ARCHS=89 NVCC="env A=b $d/cuda/bin/nvcc -ccbin g++-12"
for a in 100 75 sm_90 "80 121"; do fails "MTBENCH_CUDA_ARCHS=$a: CUDA 12.4 has no target .*; choose of 80 86 87 89 90" B="$d/b" NVCC="$d/cuda/bin/nvcc" MTBENCH_CUDA_ARCHS="$a"; done
fails 'MTBENCH_CUDA_ARCHS=: .*choose of' B="$d/b" NVCC="$d/cuda/bin/nvcc" MTBENCH_CUDA_ARCHS=
rm "$d/cuda/lib64/libcudart_static.a"
fails 'no CUDA compiler with libcudart_static.a beside it; .*NVCC=none' B="$d/b" NVCC="$d/cuda/bin/nvcc"
fails 'no CUDA compiler' B="$d/b" NVCC=/nowhere/nvcc
said 'building for the CPU alone: NVCC=none' NVCC=none

make help >"$d/out" 2>&1
missing=
for target in all check bench asan quickstart install clean help deps data; do grep -qE "^$target +[a-z]" "$d/out" || missing+=" $target"; done
[ -z "$missing" ]; ok $? "make help lists the targets$missing"
make install PREFIX=/p DESTDIR="$d" >"$d/out" 2>&1 && diff -r -x fetch.sh -x model_answer -x model_judgment data/smoke "$d/p/share/mtbench/smoke" >>"$d/out"
ok $? "make install brings the question set with its references"
(cd "$d" && ./p/bin/mtbench --version >"$d/out" 2>&1); ok $? "the installed program runs from elsewhere"
if [ -e .git ]; then
    grep -qF "($(git describe --always --dirty --abbrev=12 --exclude='*'))" "$d/out"; ok $? "--version names the commit"
else
    grep -qF '(unknown)' "$d/out"; ok $? "--version names no commit where there is none"
fi
echo "1..$n"
exit $bad
