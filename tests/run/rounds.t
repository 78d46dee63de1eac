#!/bin/bash
# kill -9 of a random rank at a random time, again and again: nothing that was finished is lost or made twice, and the last start comes to the digest.
# MTB_ROUNDS rounds (3); more ranks than cores by far: right answers and no deadlock.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
export OMPI_MCA_mpi_yield_when_idle=1
journal="$answers/k.journal"
run 1 --model-id want
want=$(digest)
run 32 --model-id many
[ $rc -eq 0 ] && [ ${#want} -eq 64 ] && [ "$(digest)" = "$want" ]; ok $? "32 ranks on $(nproc) cores: the same digest after $s s"
RANDOM=${MTB_SEED:-14}
lost=0 ended=0 resumed=0 done=0 rounds=${MTB_ROUNDS:-3} k=0
# A few more where none has hit a run that was under way: then nothing would have been tried.
while k=$((k + 1)); [ $k -le "$rounds" ] || { [ $ended -eq 0 ] && [ $k -le $((rounds + 10)) ]; }; do
    ranks=$((2 + RANDOM % 3))
    rm -rf "$answers"/k.*
    mpirun --oversubscribe -n $ranks "$build/mtbench" answer --model-path "$d/model" --data-dir "$d" --bench-name smoke --max-new-token 8 --max-batch 2 --quiet --model-id k >"$d/out" 2>"$d/err" &
    launcher=$!
    for _ in $(seq 600); do pgrep -P $launcher -x mtbench >/dev/null && break; sleep 0.1; done
    sleep "$(printf '0.%03d' $((RANDOM % 1000)))"; [ $((RANDOM % 2)) -eq 0 ] || sleep "0.$((RANDOM % 10))"
    mapfile -t pids < <(pgrep -P $launcher -x mtbench)
    [ ${#pids[@]} -gt 0 ] && kill -9 "${pids[RANDOM % ${#pids[@]}]}" 2>/dev/null
    wait $launcher 2>/dev/null
    rc=$?
    [ $rc -eq 0 ] && done=$((done + 1)) || ended=$((ended + 1))
    before=0
    [ ! -f "$journal" ] || { before=$(turns "$journal"); cp "$journal" "$d/before"; }
    run $((1 + RANDOM % 3)) --model-id k
    if [ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(turns "$journal")" -eq 16 ]; then resumed=$((resumed + 1)); fi
    [ "${before:-0}" -eq 0 ] || head -n $((before + 1)) "$journal" | cmp -s - <(head -n $((before + 1)) "$d/before") || lost=$((lost + 1))
done
[ $resumed -eq $((k - 1)) ] && [ $lost -eq 0 ] && [ $ended -gt 0 ]; ok $? "$((k - 1)) rounds of kill -9 of a random rank: $ended jobs ended, $done were done before, all $resumed resumed to the digest, $lost lost a turn"
echo "1..$n"
exit $bad
