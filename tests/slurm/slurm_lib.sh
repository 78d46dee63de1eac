# slurm_lib.sh - what the tests on a private Slurm share. Sourced behind run_lib.sh; expects nothing else running.
# cluster NODES [GPUS]: a lab in $lab, which ends with the test; or the test is skipped, with the reason.
lab=$d/lab
cluster() {
    local why
    why=$(tests/slurm/lab ready) || { echo "1..0 # SKIP $why"; exit 0; }
    # A folder with a short name: sockets lie in it.
    trap 'tests/slurm/lab stop "$lab"; rm -rf "$d"' EXIT
    tests/slurm/lab start "$lab" "$@" 2>"$d/err" || { echo "1..0 # SKIP no private Slurm here: $(tail -1 "$d/err")"; exit 0; }
    eval "$(tests/slurm/lab env "$lab")"
    # Nothing of a Slurm that this test may run in.
    unset "${!SLURM_JOB@}" "${!SLURM_STEP@}" "${!SLURM_NTASKS@}" "${!SLURM_NODE@}" SLURM_PROCID SLURM_LOCALID
    : >"$d/out"
    : >"$d/err"
}
# task SRUN-FLAGS -- FLAGS...: `mtbench answer` as tasks of srun; $rc, $d/out, $d/err
task() {
    local srun=()
    while [ "$1" != -- ]; do
        srun+=("$1")
        shift
    done
    shift
    timeout 300 srun --quiet "${srun[@]}" "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke \
        --max-new-token 8 --max-batch 8 --quiet "$@" >"$d/out" 2>"$d/err"
    rc=$?
}
