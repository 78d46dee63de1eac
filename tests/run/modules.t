#!/bin/bash
# TAP: what sites need to offer the program: the module files in Lmod and Environment Modules, the Spack recipe. What is not installed is skipped.
cd "$(dirname "$0")/../.." || exit 1
build=build/${VARIANT:-release} n=0 bad=0
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/#   /' "$d/out" | head -20; bad=1; fi; }
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
make -s install DESTDIR="$d/at" PREFIX=/opt VARIANT="${VARIANT:-release}" >"$d/out" 2>&1; ok $? "make install"
mv "$d/at/opt" "$d/moved"; version=$(ls "$d/moved/share/modulefiles/mtbench" | grep -v lua)
[ "$("$d/moved/bin/mtbench" --version | cut -d' ' -f2)" = "$version" ]; ok $? "the module is called as the program says: $version"

# ---- a shell with the module system, in which the module is loaded and taken away again
try() { # what, how the shell gets `module`
    bash --norc -c '
        eval "$2" >/dev/null 2>&1; MANPATH=:; unset XDG_DATA_DIRS
        module use "$1/share/modulefiles" && module load mtbench && command -v mtbench && echo "root $MTBENCH_ROOT" && echo "man $MANPATH" && echo "data $XDG_DATA_DIRS" && mtbench --version
        module show mtbench 2>&1 | grep -ci "MTBENCH_ROOT"
        module unload mtbench; echo "after ${MTBENCH_ROOT:-nothing} $(command -v mtbench)"' - "$d/moved" "$2" >"$d/out" 2>&1
    grep -qx "$d/moved/bin/mtbench" "$d/out" && grep -qx "root $d/moved" "$d/out" && grep -q "^man $d/moved/share/man" "$d/out" && grep -qx "data $d/moved/share:/usr/local/share:/usr/share" "$d/out" && grep -q "^mtbench $version" "$d/out" &&
        grep -qx "after nothing " "$d/out"
    ok $? "$1: loaded from where it was moved to, and unloaded"
}
lmod=$(ls /usr/share/lmod/lmod/init/bash "${LMOD_PKG:-/none}/init/bash" 2>/dev/null | head -1)
if [ -n "$lmod" ]; then
    try "Lmod" ". $lmod"
    mv "$d/moved/share/modulefiles/mtbench/$version.lua" "$d/lua"; try "Lmod with the Tcl file" ". $lmod"; mv "$d/lua" "$d/moved/share/modulefiles/mtbench/$version.lua"
else skip "no Lmod here: the Lua module was not loaded"; fi
tcl=$(ls /usr/lib/*/modulecmd.tcl "${MODULES_CMD:-/none}" 2>/dev/null | head -1)
if [ -n "$tcl" ] && command -v tclsh >/dev/null; then
    try "Environment Modules" "module() { eval \"\$(tclsh $tcl bash \"\$@\")\"; }"
else skip "no Environment Modules here: the Tcl module was not loaded by it"; fi

# ---- Spack
python3 -c '
import ast, sys
tree = ast.parse(open("slurm/spack/package.py").read())
c = [x for x in tree.body if isinstance(x, ast.ClassDef)]
assert len(c) == 1 and c[0].name == "Mtbench" and ast.get_docstring(c[0])
calls = [x.value for x in c[0].body if isinstance(x, ast.Expr) and isinstance(x.value, ast.Call)]
args = lambda f: [a.args[0].value for a in calls if a.func.id == f and isinstance(a.args[0], ast.Constant)]
assert sys.argv[1] in args("version"), args("version")
assert "hdf5" in args("variant") and {"mpi", "cjson", "pcre2", "utf8proc", "hwloc", "openssl", "curl", "md4c"} <= {d.split("@")[0].split("~")[0] for d in args("depends_on")}
assert {"settings", "build", "install", "check_install"} <= {x.name for x in c[0].body if isinstance(x, ast.FunctionDef)}
' "$version" >"$d/out" 2>&1; ok $? "the Spack recipe is Python, has this version, its libraries, variants and a test after the install"
if command -v spack >/dev/null; then
    mkdir -p "$d/repo/packages/mtbench"; cp slurm/spack/package.py "$d/repo/packages/mtbench/"; printf 'repo:\n  namespace: mtb\n  api: v2.0\n' >"$d/repo/repo.yaml"
    SPACK_USER_CONFIG_PATH=$d/spack spack repo add "$d/repo" >"$d/out" 2>&1 && SPACK_USER_CONFIG_PATH=$d/spack spack info mtbench >>"$d/out" 2>&1; ok $? "Spack reads it"
else skip "no Spack here: the recipe was read, not built"; fi
echo "1..$n"
exit $bad
