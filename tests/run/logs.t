#!/bin/bash
# TAP: log files of ranks, named after job, task and rank; what lies in the environment; two array tasks on one answer file.
cd "$(dirname "$0")/../.." || exit 1
for v in ${!SLURM_*}; do unset "$v"; done
. tests/run/run_lib.sh
names() { (cd "$d/$1" && echo *); }
task() { export SLURM_JOB_ID=$((815 + $1)) SLURM_ARRAY_JOB_ID=812 SLURM_ARRAY_TASK_ID=$1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=9; }

run 2 --model-id plain --first-n 1 --log-dir "$d/plain/logs"
[ $rc -eq 0 ] && [[ $(names plain/logs) =~ ^mtbench\.(.*-[0-9]+)\.0\.log\ mtbench\.(.*-[0-9]+)\.1\.log$ && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
ok $? "without a batch job: $(names plain/logs)"
run 2 --model-id plain --first-n 1 --log-dir "$d/plain/logs"; [ $rc -eq 0 ] && [ "$(ls "$d/plain/logs" | wc -l)" -eq 4 ]; ok $? "a second run has files of its own"
task 5
run 2 --model-id array --first-n 1 --log-dir "$d/array"; run 2 --model-id array --first-n 1 --log-dir "$d/array"
[ $rc -eq 0 ] && [ "$(names array)" = "mtbench.812_5-2.0.log mtbench.812_5-2.1.log mtbench.812_5.0.log mtbench.812_5.1.log" ]; ok $? "a task of an array, twice: $(names array)"
grep -q 'Z mtbench .*, rank 1 of 2 on .*, process' "$d/array/mtbench.812_5.1.log" && grep -q 'Z task 5 of array 812, job 820, start 1' "$d/array/mtbench.812_5.1.log"; ok $? "a file begins with who wrote it"
[ ! -s "$d/err" ] && [ "$(wc -l <"$d/out")" -le 5 ]; ok $? "streams stay small beside it"

export SLURM_ARRAY_TASK_ID=77
lies=$(timeout 600 mpirun --oversubscribe -n 2 "$build/mtbench" plan --model-path "$d/model" --model-id x --data-dir "$d" --bench-name smoke --judge-file data/smoke/judge_prompts.jsonl 2>&1 >/dev/null | grep -c 'SLURM_ARRAY_TASK_ID=77: lies outside of its array, 0 to 9')
[ "$lies" -eq 1 ]; ok $? "a task number that cannot be is said once"
run 2 --model-id lie --first-n 1 --log-dir "$d/lie"; [ $rc -eq 0 ] && [ "$(names lie)" = "mtbench.820.0.log mtbench.820.1.log" ]; ok $? "and not trusted: $(names lie)"
for dir in "$d/err/logs" /proc/none; do
    run 2 --model-id x --log-dir "$dir"; [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'log-dir.*; .*(rank 0 on' "$d/err"; ok $? "no place for logs: $(head -1 "$d/err")"
done

# ---- two tasks of an array, one answer file ----
task 5
timeout 600 "$build/mtbench" answer --model-path "$d/model" --model-id both --data-dir "$d" --bench-name smoke --max-new-token 8 --num-choices 5000 --max-batch 4 >"$d/first" 2>&1 & first=$!
for _ in $(seq 6000); do [ "$(cat "$answers/both.journal" 2>/dev/null | wc -l)" -gt 2 ] && break; sleep 0.1; done
task 6
run 2 --model-id both
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'both.journal: another run (process [0-9]* on [^ ]*, task 5 of array 812) is writing .*(this is process [0-9]* on [^ ]*, task 6 of array 812)' "$d/err"
ok $? "both tasks are named: $(head -1 "$d/err")"
kill -TERM "$(pgrep -P $first)"; wait $first; rc=$?
[ $rc -eq 75 ] && [ ! -L "$answers/both.journal.holder" ]; ok $? "the first one was not disturbed, and takes its word back (exit $rc)"
echo "1..$n"
exit $bad
