#!/bin/bash
# TAP: what happens to jobs on a cluster, done to the scripts of slurm/ on a private Slurm: told to stop, cancelled, at their time limit,
# requeued, a node that dies, a controller that dies. Each time the digest is that of an undisturbed run, and no turn or judgment was made twice.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
cluster 2
undisturbed
# holds ID TEXT: the job came to its end, as the undisturbed run
holds() {
    finished
    [ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once "$1"
    ok $? "$2: the same digest, each turn once ($end, restarts: $(state Restarts))"
}

# ---- told to stop, by whom and when ----

answer_flags told "${long[@]}"
submit slurm/one-node.sbatch "${flags[@]}" "${judging[@]}"
begun told
scancel --signal=USR1 "$job"                       # without --batch: to the tasks, as --signal=USR1@180 does it
finished
[ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once told && judged_once 16 && [ "$(state Restarts)" -eq 1 ]
ok $? "one-node.sbatch, USR1 to the tasks: requeued, answers and judgments once each ($end)"

answer_flags judging "${long[@]}"
submit slurm/one-node.sbatch "${flags[@]}" "${judging[@]}" --judge-model k
k_judged() { [ "$(grep -c '^{"key"' "$d/smoke/model_judgment/k_single.journal")" -ge 3 ]; }
until_is 120 k_judged
scontrol requeue "$job"
finished
[ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once judging && [ "$(grep -c '^{"key"' "$d/smoke/model_judgment/k_single.journal")" -eq 16 ]
ok $? "one-node.sbatch, requeued by hand while it judges: 16 judgments, none paid for twice ($end)"

answer_flags cancelled "${long[@]}"
submit slurm/many-nodes.sbatch "${flags[@]}"
begun cancelled
scancel "$job"
finished
kept=$(turns "$answers/cancelled.journal")
[ "${end%%:*}" = CANCELLED ] && [ "$kept" -ge 2 ]; ok $? "scancel: $end, $kept turns are kept"
submit --nodes=1 --ntasks-per-node=1 slurm/many-nodes.sbatch "${flags[@]}"
holds cancelled "submitted again on one node, behind a cancelled job on two"

answer_flags queue "${long[@]}"
submit slurm/many-nodes.sbatch "${flags[@]}"
begun queue
scontrol requeue "$job"
holds queue "many-nodes.sbatch, requeued by hand"

# ---- the time limit itself ----

# ranks: ids of the job's processes of mtbench; they are stopped, so that the limit is there before they are done
ranks() {
    local p
    for p in $(grep -lzx "SLURM_JOB_ID=$job" /proc/[0-9]*/environ 2>/dev/null); do
        p=${p#/proc/} p=${p%/environ}
        [ "$(cat "/proc/$p/comm" 2>/dev/null)" != mtbench ] || echo "$p"
    done
}
each() { local p; for p in $2; do kill "-$1" "$p" 2>/dev/null || true; done; }
# SIGUSR1, which is 0x200, is pending; or it came with a SIGCONT, and the job has ended by it.
waits_for_it() {
    local p
    grep -q '^not finished' "$d/$job.out" && return 0
    for p in $held; do
        [ $((0x$(sed -n 's/^ShdPnd:\s*//p' "/proc/$p/status") & 0x200)) -ne 0 ] || return 1
    done
}
# at_limit ID TEXT SBATCH-FLAGS... SCRIPT FLAGS...: submitted with a limit of a minute, its ranks stand still until the signal is there
at_limit() {
    local id=$1 text=$2
    shift 2
    submit --time=1 "$@"
    begun "$id"
    held=$(ranks)
    each STOP "$held"
    until_is 90 waits_for_it; heard=$?
    each CONT "$held"
    finished
    [ $heard -eq 0 ] && [ "$end" = COMPLETED:0 ] && [ "$(digest)" = "$want" ] && once "$id" && [ "$(state Restarts)" -eq 1 ]
    ok $? "$text at its time limit, requeued, the same digest ($end)"
}
answer_flags limit "${long[@]}"
at_limit limit "one-node.sbatch, USR1 to both tasks," --signal=USR1@40 slurm/one-node.sbatch "${flags[@]}" "${judging[@]}"
answer_flags shell "${long[@]}"
at_limit shell "many-nodes.sbatch, whose shell passes USR1 on to four tasks," --signal=B:USR1@40 slurm/many-nodes.sbatch "${flags[@]}"

# ---- the cluster fails ----

answer_flags controller "${long[@]}"
submit slurm/many-nodes.sbatch "${flags[@]}"
begun controller
held=$(ranks)
each STOP "$held"
sleep 7                                            # it saves its state every few seconds, and would not know a job that is younger
tests/slurm/lab kill-controller "$lab"
sleep 1
tests/slurm/lab up-controller "$lab"
each CONT "$held"
holds controller "slurmctld killed by SIGKILL and started again"

answer_flags node "${long[@]}"
submit slurm/many-nodes.sbatch "${flags[@]}"
begun node
tests/slurm/lab kill "$lab" n2
missed() { sinfo -h -n n2 -o %T | grep -q '^down'; }
until_is 60 missed
tests/slurm/lab up "$lab" n2
holds node "a node that dies"

echo "1..$n"
exit $bad
