#!/bin/bash
# The job room under mpirun: dealing, failing alone, stopping, staging. Drives tests/mpi/job_probe.c with 1 to 4 ranks.
cd "$(dirname "$0")/../.." || exit 1
probe=build/${VARIANT:-release}/tests/mpi/job_probe
. tests/run/probe_lib.sh
said() { grep -c '^mtbench: ' "$dir/err"; }

first=
for r in 1 2 3 4; do
    run $r deal 50
    first=${first:-$(cat "$dir/out")}
    [ $rc -eq 0 ] && grep -q '^items 50 once 50 ' "$dir/out" && [ "$(cat "$dir/out")" = "$first" ]
    ok $? "50 items on $r ranks: each once, the same records"
done
for items in 0 1 3; do
    run 4 deal $items
    [ $rc -eq 0 ] && grep -q "^items $items once $items " "$dir/out"
    ok $? "$items items on 4 ranks"
done
run 2 deal 50
[ "$(sed -n 's/^busiest //p' "$dir/err")" -lt 50 ]
ok $? "of 50 items no rank does all (how even it is: unit/dealer)"

run 8 idle
[ $rc -eq 0 ] && [ "$(sed -n 's/^idle ranks burn \([0-9]*\) ms.*/\1/p' "$dir/out")" -le 200 ]
ok $? "$(cat "$dir/out")"

# Piece by piece, as between nodes: copied in one go, a long record would be there at once and nothing could overtake it. And more of them than may be on
# their way.
OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_btl_sm_single_copy_mechanism=none run 3 records 600
[ $rc -eq 0 ] && grep -q '^records 1800 of 1800, 0 out of order' "$dir/out"
ok $? "long and short records of a rank arrive in the order in which they were sent: $(cat "$dir/out")"
[ "$(sed -n 's/.*grew by \([0-9]*\) MB.*/\1/p' "$dir/out")" -lt 140 ]
ok $? "and a rank does not pile them up while rank 0 is busy"

python3 tests/run/random_model.py "$dir/model"
# Side by side and alone: each has a folder of its own for its session, and leaves none.
mkdir "$dir/tmp"
for i in $(seq 12); do (TMPDIR=$dir/tmp timeout 600 "$probe" deal 3 >"$dir/alone.$i" 2>"$dir/alone_err.$i"; echo $? >>"$dir/codes") & done
wait
[ "$(sort "$dir/codes" | uniq -c | tr -d ' ')" = 120 ] && [ "$(cat "$dir"/alone.* | sort -u | wc -l)" -eq 1 ] && [ -z "$(ls "$dir/tmp")" ]
ok $? "twelve processes that nobody launched, at once: $(sort "$dir/codes" | uniq -c | tr -s ' ' ' '), nothing left behind"

for who in 0 1 2; do
    run 3 rig "$dir/model" $who
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q "nonsense.*(rank $who on " "$dir/err"
    ok $? "a template that rank $who alone cannot have ends all ranks: $(head -1 "$dir/err" | cut -c1-100)"
done

for who in 0 1 2; do
    run 3 fail 60 $who
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q "^mtbench: disk: is full; make room (rank $who on " "$dir/err"
    ok $? "rank $who of 3 fails alone: one line, exit 1"
    run 3 signal 200 $who
    [ $rc -eq 75 ] && grep -q '^stopped, no double records, done a part' "$dir/out"
    ok $? "SIGUSR1 on rank $who of 3: all stop, exit 75"
done
run 1 fail 60 0; [ $rc -eq 1 ] && [ "$(cat "$dir/err" | grep ^mtbench)" = "mtbench: disk: is full; make room" ]
ok $? "a rank alone fails: no talk of ranks"
run 1 signal 200 0; [ $rc -eq 75 ]
ok $? "SIGUSR1 on a rank alone"

# start RANKS ARGS...: in the background, as $launcher, once it works
start()
{
    local r=$1; shift
    rm -rf "$dir/begun"; mkdir "$dir/begun"
    BEGUN=$dir/begun mpirun --oversubscribe --timeout 600 -n "$r" "$probe" "$@" >"$dir/out" 2>"$dir/err" & launcher=$!
    for _ in $(seq 12000); do [ "$(ls "$dir/begun" | wc -l)" -eq "$r" ] && break; sleep 0.05; done
}
start 3 deal 100000
t0=$(date +%s%N)
kill -USR1 $launcher; wait $launcher; rc=$?
ms=$((($(date +%s%N) - t0) / 1000000))
[ $rc -eq 75 ] && [ $ms -lt 120000 ] && grep -q '^stopped, no double' "$dir/out"
ok $? "SIGUSR1 through mpirun: exit 75 after $ms ms"

start 3 deal 100000
kill -9 "$(pgrep -P $launcher -x job_probe | tail -1)"; wait $launcher 2>/dev/null; rc=$?
[ $rc -ne 0 ] && [ $rc -ne 124 ]
ok $? "kill -9 of one rank ends the job (exit $rc)"

head -c 20000003 /dev/urandom >"$dir/a"; : >"$dir/empty"; head -c 4194304 /dev/zero >"$dir/b"; head -c 12 /dev/zero >"$dir/c"
first= total=$((20000003 + 4194304 + 12))
for layout in 1: 2: 2:1 3:2 4: 4:1 4:2; do
    export MTBENCH_TEST_RANKS_PER_NODE=${layout#*:}
    for who in stage stage-all; do
        run "${layout%:*}" $who "$dir/a" "$dir/empty" "$dir/b" "$dir/c"
        first=${first:-$(cat "$dir/out")}
        [ $rc -eq 0 ] && grep -q " read $total of $total$" "$dir/out" && [ "$(cat "$dir/out")" = "$first" ]
        ok $? "$who: weights on ${layout%:*} ranks, ${layout#*:} per node: each byte read once, the same digest"
        cp "$dir/a" "$dir/short"
        SPOIL=9000000 run "${layout%:*}" $who "$dir/short" "$dir/b"
        [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'short: became shorter' "$dir/err"
        ok $? "$who: a file that shrinks, ${layout%:*} ranks, ${layout#*:} per node: one line, exit 1"
    done
done
for layout in 1::0 2::1 3:2:1 3:2:2 4:2:0 4:2:3; do # the last is the rank that does it
    IFS=: read -r ranks MTBENCH_TEST_RANKS_PER_NODE who <<<"$layout"
    FAIL=$who run $ranks stage-all "$dir/a" "$dir/b"
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q "^mtbench: packing: rank $who has no room" "$dir/err"
    ok $? "rank $who of $ranks (${MTBENCH_TEST_RANKS_PER_NODE:-all} per node) fails while all load: one line, its own"
    STOP=$who run $ranks stage-all "$dir/a" "$dir/b"
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q "^mtbench: interrupted while weights were loaded" "$dir/err"
    ok $? "rank $who of $ranks (${MTBENCH_TEST_RANKS_PER_NODE:-all} per node) is told to stop while all load: all end"
    PASS=$who SLOW=$((who > 0 ? who - 1 : 0)) run $ranks stage-all "$dir/a" "$dir/empty" "$dir/b" "$dir/c"
    [ $rc -eq 0 ] && grep -q " read $total of $total$" "$dir/out" && { [ $ranks -eq 1 ] || [ "$(cat "$dir/out")" = "$first" ]; }
    ok $? "rank $who of $ranks (${MTBENCH_TEST_RANKS_PER_NODE:-all} per node) has no use for the bytes, another is slow: the same for the others"
done
MTBENCH_TEST_RANKS_PER_NODE=1 run 3 stage "$dir/nothing"; [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'nothing: cannot open' "$dir/err"
ok $? "a file that is not there: one line"
unset MTBENCH_TEST_RANKS_PER_NODE
run 2 stage "$dir"; [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'is not a file' "$dir/err"
ok $? "a folder: one line"
run 2 memory; [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'weights: need 1125899.9 GB of memory, this machine has ' "$dir/err"
ok $? "too much shared memory: one line with sizes"

# A shared-memory file system too small for the weights, as in many containers. Root alone can mount one.
mkdir "$dir/shm"
if mount -t tmpfs -o size=1m none "$dir/shm" 2>/dev/null; then
    OMPI_MCA_osc_sm_backing_directory="$dir/shm" run 3 stage-all "$dir/a" "$dir/empty" "$dir/b" "$dir/c"
    umount "$dir/shm"
    [ $rc -eq 0 ] && [ "$(cat "$dir/out")" = "$first" ]
    ok $? "weights are shared although /dev/shm is too small"
else
    n=$((n + 1)); echo "ok $n # SKIP this user cannot mount a small /dev/shm"
fi

# Cores: mpirun's own binding is undone, a binding that was asked for is kept. The kernel says how many cores there are.
cores=$(nproc)
all=$("$probe" layout | sed -E 's/.*threads ([0-9]+).*/\1/')
[ "$all" -ge 1 ] && [ "$all" -le "$cores" ]
ok $? "a process alone takes $all threads on $cores CPUs"
timeout 600 mpirun -n 1 "$probe" layout >"$dir/out" 2>"$dir/err"; grep -q "threads $all " "$dir/out"
ok $? "one rank under mpirun takes as many"
timeout 600 mpirun -n 1 --bind-to core "$probe" layout >"$dir/out" 2>"$dir/err"; grep -q "threads 1 " "$dir/out"
ok $? "one rank bound to a core takes one"
run $((cores + 1)) layout; [ "$(grep -c 'threads 1 cpu -1 oversubscribed' "$dir/out")" -eq $((cores + 1)) ]
ok $? "more ranks than cores: one thread each, not pinned"
run 1 layout 3; grep -q 'threads 3 ' "$dir/out"
ok $? "--threads decides"
SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=4 "$probe" layout >"$dir/out" 2>"$dir/err"; rc=$?
[ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && grep -q 'srun --mpi=pmix' "$dir/err"
ok $? "a task of srun without PMIx: one line that says what to type"
echo "1..$n"
