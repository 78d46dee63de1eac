#!/bin/bash
# A tensor group of ranks under mpirun: sums to the bit, a model spread over 1 to 8 ranks, a member that stops, fails, hangs, or is killed.
cd "$(dirname "$0")/../.." || exit 1
probe=build/${VARIANT:-release}/tests/mpi/comm_probe
. tests/run/probe_lib.sh

for r in 1 2 4 8; do
    run $r group
    [ $rc -eq 0 ] && [ "$(cat "$dir/out")" = "$r ranks, 0 wrong" ]
    ok $? "sums, columns and messages of $(cat "$dir/out")"
done
run 3 group
[ $rc -ne 0 ] && grep -q '3 ranks; there may be 1, 2, 4 or 8' "$dir/err"
ok $? "three ranks are no group"

first=
for r in 1 2 4 8; do
    run $r spread
    first=${first:-$(cat "$dir/out")}
    [ $rc -eq 0 ] && [ "$(cat "$dir/out")" = "$first" ] && [ ${#first} -eq 64 ]
    ok $? "a model spread over $r ranks: digest ${first:0:12}"
done
for who in 0 1 3; do
    run 4 spread stop $who
    [ $rc -eq 0 ] && [ "$(cat "$dir/out")" = "$first" ] && grep -q 'interrupted 2 times' "$dir/err"
    ok $? "rank $who of 4 interrupts two steps, which are done again: the same digest"
done
for who in 0 3; do
    run 4 spread fail $who
    [ $rc -ne 0 ] && [ "$(grep -c '^rank [0-3]: the device is lost' "$dir/err")" -eq 4 ]
    ok $? "rank $who of 4 fails: all of them end, with its words"
done
run 4 spread hang 2
[ $rc -ne 0 ] && [ "$(grep -c '^rank [0-3]: tensor group: the others have waited 1 s for member 2 of 4; ' "$dir/err")" -eq 4 ]
ok $? "rank 2 of 4 hangs: $(grep -m1 '^rank 0' "$dir/err")"
run 4 spread mute 0
[ $rc -ne 0 ] && [ "$(grep -c '^rank [0-3]: tensor group: member 0 of 4 has been silent for 1.5 s' "$dir/err")" -eq 4 ]
ok $? "member 0 asks for nothing: those that follow do not wait for ever: $(grep -m1 '^rank 1' "$dir/err")"
run 4 spread beat 0
[ $rc -eq 0 ] && [ "$(cat "$dir/out")" = "$first" ]
ok $? "but while it says that it is there, they do"
t0=$(date +%s)
run 4 spread kill 1
[ $rc -ne 0 ] && [ $rc -ne 124 ] && [ $(($(date +%s) - t0)) -lt 100 ]
ok $? "rank 1 of 4 is killed: the job ends (exit $rc)"
echo "1..$n"
