# slurm_lib.sh - what the tests on a private Slurm share. Sourced behind run_lib.sh; expects nothing else running.
# Nothing of a Slurm that this test may run in, nor its user's defaults for one; nor what the scripts of slurm/ are told by variables.
unset "${!SLURM_@}" "${!SBATCH_@}" "${!SRUN_@}" "${!SALLOC_@}" "${!SCANCEL_@}" "${!SQUEUE_@}" "${!SINFO_@}" "${!PMI_@}" "${!PMIX_@}" MTBENCH LAUNCH RESTARTS CAMPAIGN
# cluster NODES [GPUS]: a lab in $lab, which ends with the test; or the test is skipped, with the reason.
lab=$d/lab
cluster() {
    local why
    why=$(tests/slurm/lab ready) || { echo "1..0 # SKIP $why"; exit 0; }
    # A folder with a short name: sockets lie in it.
    trap 'tests/slurm/lab stop "$lab"; rm -rf "$d"' EXIT
    trap 'exit 1' TERM INT             # EXIT is not reached by a signal alone
    tests/slurm/lab start "$lab" "$@" 2>"$d/err" || { echo "1..0 # SKIP no private Slurm here: $(tail -1 "$d/err")"; exit 0; }
    eval "$(tests/slurm/lab env "$lab")"
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
# ---- the scripts of slurm/ ----

long=(--max-new-token 192 --max-batch 1)  # takes seconds on the fastest machine: long enough to be disturbed by commands that take some tenths
# submit SBATCH-FLAGS... SCRIPT FLAGS...: the job's number in $job, what it prints in $d/JOB.out (of arrays $d/JOB_TASK.out)
submit() {
    job=$(MTBENCH=$PWD/$build/mtbench sbatch --parsable --output="$d/%j.out" "$@" 2>"$d/err") ||
        { echo "Bail out! sbatch: $(cat "$d/err")"; exit 1; }
}
state() { scontrol show job -o "$job" 2>/dev/null | grep -oE "\b$1=[^ ]*" | head -1 | cut -d = -f 2; }
# until SECONDS COMMAND...
until_is() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.2
    done
}
# An answer that does not come, as from a controller that is just being started, is no empty one.
over() {
    local there
    there=$(squeue -h -j "$job" -t pending,configuring,running,completing,suspended,requeued -o %i 2>/dev/null) && [ -z "$there" ]
}
# finished [JOB]: the state in which it ended, and the exit code, as COMPLETED:0
finished() {
    until_is 240 over
    cp "$d/$job.out" "$d/out" 2>/dev/null || : >"$d/out"
    end=$(state JobState):$(state ExitCode | cut -d : -f 1)
}
answer_flags() { flags=(--model-path "$d/model" --data-dir "$d" --bench-name smoke --quiet --model-id "$1" "${@:2}"); }
# begun ID [N]: wait until N turns of it are finished (2)
several() { [ "$(turns "$answers/$1.journal")" -ge "$2" ]; }
begun() { until_is 120 several "$1" "${2:-2}"; }
# once ID: each of the 16 turns is in the journal once
once() {
    [ "$(turns "$answers/$1.journal")" -eq 16 ] &&
        [ "$(tail -n +2 "$answers/$1.journal" | grep -oE '"question_id": [0-9]+, "choice": [0-9]+, "turn": [0-9]+' | sort -u | wc -l)" -eq 16 ]
}
# The demo judge: the random model itself. Its judgments are nonsense, and theirs to count.
judge_flags() {
    cp data/smoke/judge_prompts.jsonl "$d/"
    mkdir -p "$d/smoke/reference_answer"
    cp data/smoke/reference_answer/smoke.jsonl "$d/smoke/reference_answer/"
    judging=(--judge-model j --judge-path "$d/model" --judge-constrained --judge-max-tokens 8 --reference smoke)
    judging+=(--data-dir "$d" --bench-name smoke)
}
judged() { grep -c '^{"key".*"status": "ok"' "$d/smoke/model_judgment/j_single.journal" 2>/dev/null || true; }
# judged_once N: N judgments are in the journal, each once
judged_once() {
    [ "$(judged)" -eq "$1" ] &&
        [ "$(grep -o '^{"key": "[^"]*", "content": "[^"]*"' "$d/smoke/model_judgment/j_single.journal" | sort -u | wc -l)" -eq "$1" ]
}
# undisturbed: a model and a judge, and in $want the digest of one rank without Slurm, which every other run must come to
undisturbed() {
    python3 tests/run/random_model.py "$d/model" 4
    judge_flags
    run 1 --model-id want "${long[@]}"
    want=$(digest)
    [ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "one rank, without Slurm: $want"
}
