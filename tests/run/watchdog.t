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

# begin RANKS ID FLAGS...: a run in the middle: $pid is that of its shell, $mpirun, and $one its rank 1
begin() {
    local p ranks=$1 id=$2
    shift 2
    timeout 300 mpirun --oversubscribe -n "$ranks" "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --model-id "$id" --quiet \
        --num-choices 400 --max-new-token 64 --max-batch 8 "$@" >"$d/out" 2>"$d/err" &
    pid=$!
    until_there 600 "[ 0\$(turns '$answers/$id.journal') -ge 2 ]"
    mpirun=$(pgrep -P $pid)
    for p in $(pgrep -P "$mpirun" mtbench); do grep -qz '^OMPI_COMM_WORLD_RANK=1$' "/proc/$p/environ" && one=$p; done
}
# until_there SECONDS COMMAND...: the command is looked at anew each time
until_there() {
    local end=$((SECONDS + $1))
    shift
    until eval "$*"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}
# stands TEXT THEN: rank 1 is stopped until TEXT is told, and goes on until THEN is; the job is ended
stands() {
    kill -STOP "$one"
    until_there 60 "grep -q '$1' '$d/err'"
    kill -CONT "$one"
    until_there 60 "grep -q '$2' '$d/err'"
    kill -TERM "$mpirun"
    wait $pid
}
begin 3 stopped --log-dir "$d/logs"
stands 'its process is stopped' 'moves again'
line=$(grep -m1 'has not moved for .* (its process is stopped)' "$d/err")
[[ $line =~ ^'mtbench: rank '[012]' on '.*': answering' ]]; ok $? "a rank that is stopped is named by another: $line"
grep -qh 'its process is stopped' "$d"/logs/mtbench.*.log; ok $? "and in a log file"

# ---- on another node, which only rank 0's ear reaches
export MTBENCH_TEST_RANKS_PER_NODE=1
begin 2 far
stands 'has not been heard of' 'is heard of again'
grep -q "^mtbench: rank 1 on $host has not been heard of for [1-9] s: it hangs, is cut off" "$d/err" && grep -q 'rank 1 on .* is heard of again' "$d/err"; ok $? "a rank of another node that hangs: $(grep -m1 'heard of for' "$d/err")"
begin 2 cut
kill -STOP "$one"; wait $pid; rc=$?
[ $rc -eq 75 ] && grep -q "^mtbench: rank 1 on $host has not been heard of for [1-9][0-9]* s; MTBENCH_WATCHDOG_END=15 ends the job" "$d/err"; ok $? "rank 0 ends a job that has lost one (exit $rc): $(grep -m1 'ends the job' "$d/err")"
# A job that is suspended as a whole, as Slurm does it: its nodes go on one after the other.
MTBENCH_WATCHDOG_END=4 begin 2 suspended
for p in $(pgrep -P "$mpirun" mtbench); do kill -STOP "$p"; done
sleep 7
for p in $(pgrep -P "$mpirun" mtbench); do [ "$p" = "$one" ] || kill -CONT "$p"; done
sleep 2
kill -CONT "$one"
before=$(turns "$answers/suspended.journal")
until_there 60 "[ 0\$(turns '$answers/suspended.journal') -gt $((before + 20)) ] || grep -q 'ends the job' '$d/err'"
kill -TERM "$mpirun"; wait $pid
[ "$(turns "$answers/suspended.journal")" -gt $((before + 20)) ] && ! grep -q 'ends the job' "$d/err"; ok $? "a job that was suspended longer than that goes on"
unset MTBENCH_TEST_RANKS_PER_NODE

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
