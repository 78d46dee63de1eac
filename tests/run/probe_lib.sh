# probe_lib.sh - what the tests of a probe under mpirun share: $probe is set before it is sourced. TAP lines by ok, runs by run.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout=0
# Sanitizers: MPI itself keeps what it allocated.
export ASAN_OPTIONS=detect_leaks=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
n=0
ok()
{
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/#   /' "$dir"/out "$dir"/err | head -20; fi
}
# run RANKS ARGS...: the program's exit code in $rc, its output in $dir/out and $dir/err
run() { local r=$1; shift; timeout 600 mpirun --oversubscribe -n "$r" "$probe" "$@" >"$dir/out" 2>"$dir/err"; rc=$?; }
