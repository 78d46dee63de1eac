#!/bin/bash
# TAP: started by a real Slurm of two virtual nodes, on this machine (tests/slurm/lab), alone and by the scripts of slurm/. The rest of what
# happens to jobs is in tests/slurm/*.t: `make check-slurm`.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
cluster 2
python3 tests/run/random_model.py "$d/model" 4
run 1 --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "one rank, without Slurm: $want"

# ---- srun ----

task -N2 -n4 --mpi=pmix -- --model-id four
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "srun -N2 -n4 --mpi=pmix: the same digest"
task -n1 --mpi=none -- --model-id alone
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(said)" -eq 0 ]; ok $? "srun -n1 without a PMI: alone, the same digest"
for pmi in none pmi2; do
    task -N2 -n4 --mpi=$pmi -- --model-id lone
    [ $rc -eq 1 ] && [ "$(said)" -eq 1 ] && [ "$(grep -vc '^srun: error: n[12]: task' "$d/err")" -eq 1 ] &&
        grep -q '^mtbench: srun: started 4 tasks.*--mpi=pmix' "$d/err" && [ ! -e "$answers/lone.journal" ]
    ok $? "srun -n4 --mpi=$pmi: refused in one line, and not in one of each task"
done

# ---- a campaign: an array, then its judgments ----

for model in a b; do
    for seed in 1 2 3; do
        echo "--model-path '$d/model' --model-id $model.s$seed --seed $seed  # seed $seed"
    done
done >"$d/list"
sed -i '3s/^/# not a task\n\n/' "$d/list"
judge_flags
submit --output="$d/%A_%a.out" --array=1-6 slurm/array.sbatch "$d/list" --data-dir "$d" --bench-name smoke --max-new-token 8 --quiet
array=$job
submit --dependency="afterok:$array" --ntasks-per-node=2 slurm/judge-after.sbatch "${judging[@]}" --model-list a.s1 a.s2 a.s3 b.s1 b.s2 b.s3 --quiet
finished
run 1 --model-id a2 --seed 2
[ $rc -eq 0 ] && [ "$(grep -l "$(digest)" "$d/${array}"_[25].out | wc -l)" -eq 2 ] && [ "$(cat "$d/$array"_*.out | sed -n 's/^digest//p' | sort -u | wc -l)" -eq 3 ]
ok $? "array.sbatch: six tasks, a line of the list each, digests by their seeds"
cp "$d/$job.out" "$d/out"
[ "$end" = COMPLETED:0 ] && grep -q '^judgments 96/96 *0 failed' "$d/out" && judged_once 96; ok $? "judge-after.sbatch: behind the array, all of it ($end)"
echo "--model-path '$d/model' --model-id half --seed '1" >"$d/broken"
submit --output="$d/%A.out" --array=1 slurm/array.sbatch "$d/broken" --data-dir "$d" --bench-name smoke --quiet
finished
[ "$end" = FAILED:1 ] && grep -q "/broken:1: a ' that is never closed" "$d/out" && [ ! -e "$answers/half.journal" ]
ok $? "a line whose quote is never closed is not run by half ($end)"

# ---- told to stop: the job queues itself ----

run 1 --model-id long-want "${long[@]}"
want=$(digest)
for form in srun mpirun; do
    answer_flags "stop-$form" "${long[@]}"
    LAUNCH=$([ $form = mpirun ] && echo mpirun || echo srun --mpi=pmix) submit slurm/many-nodes.sbatch "${flags[@]}"
    begun "stop-$form"
    scancel --batch --signal=USR1 "$job"
    finished
    [ "$end" = COMPLETED:0 ] && grep -q '^not finished: restart 1' "$d/out" && [ "$(state Restarts)" -eq 1 ] && [ "$(digest)" = "$want" ] && once "stop-$form"
    ok $? "many-nodes.sbatch, $form: USR1 to the shell, requeued, the same digest, each turn once ($end)"
done
echo "1..$n"
exit $bad
