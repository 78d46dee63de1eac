#!/bin/bash
# TAP: the watchdog names the rank that stands still and what it is at, and ends nothing unless it is told to.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
export MTBENCH_WATCHDOG=1
host=$(hostname)
# still NAME SABOTAGE PATH WORDS FLAGS...: the run is whole, and one line names the rank
still() {
    local what=$1 words=$4
    export SABOTAGE_PATH=$3
    sabotage=$2
    shift 4
    run 2 --model-id still --fresh "$@"
    [ $rc -eq 0 ] && grep -q "^answers *16/16 turns" "$d/out" && grep -q "^mtbench: rank $words" "$d/err"
    ok $? "$what: $(grep -m1 "^mtbench: rank $words" "$d/err")"
}
still "a file system that does not come back with weights" 1:pread:1:SLEEP .safetensors "1 on $host has not moved for [1-9] s: reading .*/model.*\.safetensors"
grep -q "^mtbench: rank 1 on $host moves again" "$d/err"; ok $? "and when it goes on: $(grep -m1 'moves again' "$d/err")"
still "nor with a header" 0:pread:1:SLEEP .safetensors "0 on $host has not moved for [1-9] s: reading .*/model.*\.safetensors"
still "a disk that takes no journal" 0:fdatasync:2:SLEEP .journal "0 on $host has not moved for [1-9] s: writing .*/still.journal"
sabotage=

timeout 300 mpirun --oversubscribe -n 3 "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --model-id stopped --quiet \
    --num-choices 400 --max-new-token 64 --max-batch 8 --log-dir "$d/logs" >"$d/out" 2>"$d/err" & pid=$!
for _ in $(seq 6000); do [ "$(cat "$answers/stopped.journal" 2>/dev/null | wc -l)" -gt 2 ] && break; sleep 0.1; done
mpirun=$(pgrep -P $pid); rank=($(pgrep -P "$mpirun" mtbench)); one=${rank[1]}
kill -STOP "$one"; sleep 4; kill -CONT "$one"
for _ in $(seq 100); do grep -q 'moves again' "$d/err" && break; sleep 0.1; done
kill -TERM "$mpirun"; wait $pid
line=$(grep -m1 'has not moved for .* (its process is stopped)' "$d/err")
[[ $line =~ ^'mtbench: rank '[012]' on '.*': answering' ]]; ok $? "a rank that is stopped is named by another: $line"
grep -qh 'its process is stopped' "$d"/logs/mtbench.*.log; ok $? "and in a log file"

# ---- on another node, which only rank 0's ear reaches
MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n 2 "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --model-id far --quiet \
    --num-choices 400 --max-new-token 64 --max-batch 8 >"$d/out" 2>"$d/err" & pid=$!
for _ in $(seq 6000); do [ "$(cat "$answers/far.journal" 2>/dev/null | wc -l)" -gt 2 ] && break; sleep 0.1; done
mpirun=$(pgrep -P $pid)
for p in $(pgrep -P "$mpirun" mtbench); do grep -qz 'OMPI_COMM_WORLD_RANK=1' "/proc/$p/environ" && one=$p; done
kill -STOP "$one"; sleep 5; kill -CONT "$one"
for _ in $(seq 100); do grep -q 'is heard of again' "$d/err" && break; sleep 0.1; done
kill -TERM "$mpirun"; wait $pid
grep -q "^mtbench: rank 1 on $host has not been heard of for [1-9] s: it hangs, is cut off" "$d/err" && grep -q 'rank 1 on .* is heard of again' "$d/err"; ok $? "a rank of another node that hangs: $(grep -m1 'heard of for' "$d/err")"

MTBENCH_WATCHDOG_END=3 MTBENCH_TEST_RANKS_PER_NODE=1 timeout 300 mpirun --oversubscribe -n 2 "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke \
    --model-id cut --quiet --num-choices 400 --max-new-token 64 --max-batch 8 >"$d/out" 2>"$d/err" & pid=$!
for _ in $(seq 6000); do [ "$(cat "$answers/cut.journal" 2>/dev/null | wc -l)" -gt 2 ] && break; sleep 0.1; done
mpirun=$(pgrep -P $pid)
for p in $(pgrep -P "$mpirun" mtbench); do grep -qz 'OMPI_COMM_WORLD_RANK=1' "/proc/$p/environ" && one=$p; done
kill -STOP "$one"; wait $pid; rc=$?
[ $rc -eq 75 ] && grep -q "^mtbench: rank 1 on $host has not been heard of for [1-9][0-9]* s; MTBENCH_WATCHDOG_END=3 ends the job" "$d/err"; ok $? "told to, rank 0 ends a job that has lost one (exit $rc): $(grep -m1 'ends the job' "$d/err")"

export MTBENCH_WATCHDOG_END=3 SABOTAGE_PATH=.safetensors
sabotage=1:pread:1:SLEEP
run 2 --model-id ended
[ $rc -eq 75 ] && [ $s -lt 60 ] && grep -q "^mtbench: rank 1 on $host has not moved for .* MTBENCH_WATCHDOG_END=3 ends the job, start again" "$d/err"; ok $? "told to, it ends the job (exit $rc)"
export MTBENCH_WATCHDOG=0 MTBENCH_WATCHDOG_END=0
run 2 --model-id quiet; [ $rc -eq 0 ] && [ "$(said)" -eq 0 ]; ok $? "0: nothing is said"
export MTBENCH_WATCHDOG=soon
sabotage=
timeout 300 mpirun --oversubscribe -n 2 "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --model-id w --max-new-token 2 >"$d/out" 2>"$d/err"
[ "$(grep -c '^mtbench: MTBENCH_WATCHDOG=soon: is no number of seconds, ignored' "$d/err")" -eq 1 ]; ok $? "a setting that is none is said once"
echo "1..$n"
exit $bad
