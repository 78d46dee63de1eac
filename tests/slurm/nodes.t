#!/bin/bash
# TAP: four virtual nodes, and jobs of two components: srun and mpirun on all nodes, resumed on fewer, the judge's component behind the answers.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
cluster 4
undisturbed
for form in "srun --mpi=pmix" mpirun; do
    answer_flags "four-${form%% *}" "${long[@]}"
    LAUNCH=$form submit --nodes=4 slurm/many-nodes.sbatch "${flags[@]}"
    finished
    [ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once "four-${form%% *}"; ok $? "four nodes, two tasks each, $form: the same digest ($end)"
done
answer_flags shrinks "${long[@]}"
RESTARTS=0 submit --nodes=4 slurm/many-nodes.sbatch "${flags[@]}"
begun shrinks
scancel --batch --signal=USR1 "$job"
finished
[ "$end" = FAILED:75 ] && ! grep -q '^not finished' "$d/out"; ok $? "RESTARTS=0: exit code 75 is the job's ($end)"
submit --nodes=3 --ntasks-per-node=1 slurm/many-nodes.sbatch "${flags[@]}"
finished
[ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once shrinks; ok $? "begun on four nodes, ended on three: the same digest ($end)"

answer_flags het "${long[@]}"
submit slurm/judge-het.sbatch "${flags[@]}" -- "${judging[@]}" --model-list het --quiet
begun het
scancel --signal=USR1 "$job+1"
finished
[ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once het && judged_once 16
ok $? "judge-het.sbatch: told to stop, restarted, answers and judgments once each ($end, restarts: $(state Restarts))"

# A judge that is reached over the network, by the one task of its component.
python3 tests/judge/stub.py --port-file "$d/port" --log "$d/calls" --key sk-of-the-lab >/dev/null 2>&1 & stub=$!
trap 'kill "$stub" 2>/dev/null; tests/slurm/lab stop "$lab"; rm -rf "$d"' EXIT
until_is 60 test -s "$d/port"
answer_flags hosted --max-new-token 8
no_proxy=127.0.0.1 OPENAI_API_KEY=sk-of-the-lab submit slurm/judge-het.sbatch "${flags[@]}" -- --judge-model gpt-4 --judge-base-url "http://127.0.0.1:$(cat "$d/port")/v1" \
    --reference smoke --data-dir "$d" --bench-name smoke --model-list hosted --quiet
finished
[ "$end" = COMPLETED:0 ] && grep -q '^judgments 16/16 *0 failed' "$d/out" && [ "$(grep -c '^{"key"' "$d/smoke/model_judgment/gpt-4_single.journal")" -eq 16 ] &&
    ! grep -rq sk-of-the-lab "$d/out" "$d/smoke"
ok $? "judge-het.sbatch with a hosted judge: $(grep -m 1 '^judgments' "$d/out"), its key nowhere ($end)"
echo "1..$n"
exit $bad
