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
fails 'there are release, asan, tsan and mutate' VARIANT=nonsense
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
