#!/bin/bash
# TAP: the ReFrame check, by ReFrame itself on this machine with a random model: it passes, says how fast, and fails where it should.
cd "$(dirname "$0")/../.." || exit 1
python=$(tests/peers/venv reframe 2>/dev/null) || { echo "ok 1 # SKIP ReFrame cannot be installed from PyPI here: the check in slurm/reframe was not run"; echo 1..1; exit 0; }
for v in ${!SLURM_*}; do unset "$v"; done
. tests/run/run_lib.sh
cat >"$d/site.py" <<'PY'
site_configuration = {
    "systems": [{"name": "here", "hostnames": [".*"], "partitions": [
        {"name": "one", "scheduler": "local", "launcher": "local", "environs": ["builtin"]},
        {"name": "ranks", "scheduler": "local", "launcher": "mpirun", "environs": ["builtin"]}]}],
    "environments": [{"name": "builtin", "cc": "gcc", "cxx": "", "ftn": ""}],
}
PY
# check PARTITION SETTINGS...: exit code in $rc
check() {
    local part=$1 s=()
    shift
    for x in "$@"; do s+=(-S "mtbench_check.$x"); done
    OMPI_MCA_rmaps_base_oversubscribe=1 timeout 600 "$(dirname "$python")/reframe" -C "$d/site.py" --system "here:$part" --prefix "$d/rfm" -c slurm/reframe/mtbench.py -r \
        --nocolor --performance-report -S mtbench_check.program="$PWD/$build/mtbench" -S mtbench_check.data="$PWD/data" -S mtbench_check.max_new_token=8 "${s[@]}" >"$d/out" 2>"$d/err"
    rc=$?
}
m=model="$d/model"
check one "$m"; [ $rc -eq 0 ] && grep -q 'PASSED.*1/1' "$d/out" && grep -qE 'speed.*tok/s|[0-9.]+ tok/s' "$d/out"; ok $? "one rank: $(grep -m1 -E 'speed' "$d/out" | tr -s ' ')"
digest=$(cat "$d"/rfm/output/here/one/builtin/mtbench_check*/rfm_job.out | sed -n 's/^digest *//p')
check ranks "$m" num_tasks=2 digest="$digest"; [ $rc -eq 0 ] && grep -q 'PASSED.*1/1' "$d/out"; ok $? "two ranks by mpirun, with the first one's digest"
check one "$m" digest=0000; [ $rc -ne 0 ] && grep -q 'other bytes than the reference' "$d/out"; ok $? "another digest fails"
check one "$m" least=1e9; [ $rc -ne 0 ] && grep -qi 'performance' "$d/out"; ok $? "so does a speed below what was asked for"
check one model="$d/none"; [ $rc -ne 0 ]; ok $? "and a model that is not there"
check one; grep -q 'SKIP' "$d/out" && grep -q 'name a model' "$d/out"; ok $? "without a model it is skipped, and says how to name one"
echo "1..$n"
exit $bad
