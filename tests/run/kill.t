#!/bin/bash
# kill -9 and signals at chosen moments of `mtbench answer`: no finished turn is lost or made twice, the next start on another number of
# ranks comes to the same digest, signals end in exit code 75. And in which order things reach the disk.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
journal="$answers/k.journal"

run 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "the random model answers: $want"

# resumes RANKS TEXT: go on with what the end of the run before has left
resumes() {
    local before=0
    [ ! -f "$journal" ] || { before=$(turns "$journal"); cp "$journal" "$d/before"; }
    sabotage=
    unset SABOTAGE_PATH MTBENCH_TEST_RANKS_PER_NODE
    run "$1" --model-id k
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(turns "$journal")" -eq 16 ] &&
        { [ "$before" -eq 0 ] || head -n $((before + 1)) "$journal" | cmp -s - <(head -n $((before + 1)) "$d/before"); }
    ok $? "$2, then $1 ranks: $before turns kept, the same digest"
    rm -rf "$answers"/k.*
}
dies() { # text, rank, call and which, path, ranks of the next start
    sabotage="$2:$3:KILL"
    export SABOTAGE_PATH=$4
    run 3 --model-id k
    [ $rc -ne 0 ] && [ $rc -ne 124 ] && [ -z "$(digest)" ]; ok $? "$1: the job ends ($rc)"
    resumes "$5" "$1"
}
export MTBENCH_TEST_RANKS_PER_NODE=1
dies "kill -9 of leader 1 while weights are read" 1 pread:1 safetensors 2
dies "kill -9 of rank 0 while weights are read" 0 pread:3 safetensors 1
dies "kill -9 of rank 1 while it answers" 1 calloc:90 '' 4
dies "kill -9 of rank 0 while a turn is written" 0 pwrite:3 journal 2
dies "kill -9 of rank 0 while a turn is flushed" 0 fdatasync:4 journal 1
dies "kill -9 of rank 0 before the answer file is renamed" 0 rename:1 k.jsonl 2
dies "kill -9 of rank 0 before the manifest is renamed" 0 rename:1 k.manifest 2

# ---- signals on one rank
stops() { # text, rank, call and which, signal, path
    sabotage="$2:$3:$4"
    export SABOTAGE_PATH=$5
    run 3 --model-id k
    [ $rc -eq 75 ] && [ $s -le 10 ]; ok $? "$1: exit code $rc after $s s"
    resumes 2 "$1"
}
stops "SIGTERM on rank 0 while it answers" 0 pwrite:3 TERM journal
stops "SIGUSR1 on rank 2 while it answers" 2 calloc:90 USR1 ''
export MTBENCH_TEST_RANKS_PER_NODE=1
stops "SIGTERM on leader 1 while weights are read" 1 pread:1 TERM safetensors
export MTBENCH_TEST_RANKS_PER_NODE=2
stops "SIGUSR1 on a rank that waits for its leader" 1 calloc:25 USR1 ''

# ---- signals through mpirun, and all ranks killed at once
begin() { # ranks: with a disk that is slow enough to be met half way
    rm -f "$answers"/k.*
    mpirun --oversubscribe -x LD_PRELOAD="$PWD/$build/tests/saboteur.so" -x SABOTAGE=0:fdatasync:0:NAP -n "$1" "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 1 --quiet \
        --model-id k >"$d/out" 2>"$d/err" &
    launcher=$!
    for _ in $(seq 30000); do [ "$(turns "$journal")" != "" ] && [ "$(turns "$journal")" -ge 1 ] && break; sleep 0.02; done
}
begin 3; kill -USR1 $launcher; wait $launcher; rc=$?
[ $rc -eq 75 ]; ok $? "SIGUSR1 to mpirun: exit code $rc"
resumes 2 "SIGUSR1 to mpirun"
begin 2; kill -TERM $launcher; wait $launcher; rc=$?
[ $rc -ne 0 ]; ok $? "SIGTERM to mpirun: it ends its ranks and exits $rc by itself"
resumes 3 "SIGTERM to mpirun"
begin 3; kill -9 $(pgrep -P $launcher -x mtbench); wait $launcher 2>/dev/null
resumes 1 "kill -9 of all ranks"
begin 3; kill -9 $launcher; wait $launcher 2>/dev/null
for _ in $(seq 12000); do pgrep -f -- "--data-dir $d " >/dev/null || break; sleep 0.05; done
resumes 2 "kill -9 of mpirun"

# ---- a step that takes many seconds is left between two layers
python3 tests/run/random_model.py "$d/deep" 48
MTBENCH_ISA=plain "$build/mtbench" answer --model-path "$d/deep" --data-dir "$d" --bench-name smoke --model-id deep --threads 1 --quiet >"$d/out" 2>"$d/err" &
pid=$!
for _ in $(seq 12000); do [ -s "$answers/deep.journal" ] && break; sleep 0.05; done
sleep 1; start=$(date +%s%N); kill -TERM $pid; wait $pid; rc=$?
s=$((($(date +%s%N) - start) / 1000000))
[ $rc -eq 75 ] && [ $s -le 10000 ] && grep -q '^answers *0/16 turns' "$d/out"; ok $? "SIGTERM in a long prefill: exit code $rc after $s ms"

# ---- the order on disk
sabotage=0:none:1:EIO
export SABOTAGE_LOG="$d/log"
run 2 --model-id k
unset SABOTAGE_LOG
sed -i "s|$answers/||; s|k.*.tmp|TMP|; s|$answers\$|FOLDER|" "$d/log"
[ "$(head -3 "$d/log" | tr '\n' ',')" = "pwrite k.journal,fdatasync k.journal,fsync FOLDER," ]; ok $? "a new journal is flushed, and its folder"
! grep journal "$d/log" | uniq -c | grep -qv ' 1 ' && grep journal "$d/log" | tail -1 | grep -q fdatasync; ok $? "each write of turns is flushed before the next one"
[ "$(grep -v journal "$d/log" | tail -n +2 | tr '\n' ',')" = "fsync TMP,rename k.jsonl,fsync FOLDER,fsync TMP,rename k.manifest,fsync FOLDER,fsync TMP,rename k.speed,fsync FOLDER," ]
ok $? "answer file, manifest and speeds: flushed, renamed, the folder flushed"
[ "$(grep -n 'fdatasync' "$d/log" | tail -1 | cut -d: -f1)" -lt "$(grep -n 'fsync TMP' "$d/log" | head -1 | cut -d: -f1)" ]
ok $? "the last turn is on disk before the answer file is written"
echo "1..$n"
exit $bad
