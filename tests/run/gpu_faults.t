#!/bin/bash
# TAP: a GPU that fails, at any kernel or allocation, on the emulated driver (tests/cudasim): one line says what, where and what to do, the exit code
# says whether to start again, all ranks end, and the next start goes on to the digest of a run that was not disturbed. By every verb that computes.
# What each rank sees of a node's cards, as launchers have it.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
sim=$build/mtbench-sim
[ -x "$sim" ] || { echo "1..0 # SKIP no $sim: it is built where nvcc's headers are"; exit 0; }
unset CUDA_VISIBLE_DEVICES MTB_CUDASIM
cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
head -2 data/smoke/question.jsonl >"$d/smoke/question.jsonl"
python3 tests/run/random_model.py "$d/small" 2
do_() { # DRIVER VERB FLAGS...
    MTB_CUDASIM="unguarded $1" timeout 300 "$sim" "$2" --model-path "$d/small" --data-dir "$d" --bench-name smoke --threads 1 --device cuda --quiet "${@:3}" >"$d/out" 2>"$d/err"
    rc=$?
}
answer() { do_ "$1" answer --max-new-token 3 --max-batch 1 "${@:2}"; } # DRIVER FLAGS...
answer "" --model-id want
want=$(digest)
[ $rc -eq 0 ] && [ ${#want} -eq 64 ]; ok $? "a run that was not disturbed: $want"

# ---- at any kernel, at any allocation
told() { # CODES: is it one of these, with one line that names the card and what to do?
    [[ " $1 " == *" $rc "* ]] && [ "$(said)" -eq 1 ] && grep -q '^mtbench: .*GPU 0: .*; ' "$d/err"
}
for fault in "fail_launch 1 4 40" "lose_device 2 30 140"; do
    read -r what at <<<"$fault"
    for k in $at; do
        answer "quiet $what=$k" --model-id f
        told "75 77"; ok $? "$what=$k, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
    done
done
for k in 1 2 3 4 5 6 8 12 16; do
    answer "quiet fail_alloc=$k" --model-id a
    told "1 77"; ok $? "fail_alloc=$k, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
done
MTBENCH_CUDA_SYNC=1 answer "quiet fail_launch=50" --model-id f
told 75 && grep -qE 'GPU 0: [a-z_]+ in layer [01] of step [0-9]+: ' "$d/err"; ok $? "op by op: $(tail -1 "$d/err" | cut -c1-150)"
kept=$(turns "$answers/f.journal")
answer "" --model-id f
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "${kept:-0}" -ge 1 ]; ok $? "the next start goes on behind ${kept:-0} turns: the same digest"

# ---- by other verbs
do_ "quiet lose_device=120" verify --model-id want --all --max-batch 1
told 75 && grep -q '^verified  *[0-9]*/4 turns equal' "$d/out"; ok $? "verify, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
do_ "" verify --model-id want --all
[ $rc -eq 0 ]; ok $? "verify on a card that does not fail: equal"
do_ "quiet lose_device=25" prompt --question 1 --top-logits 3
told 75 && [ ! -s "$d/out" ]; ok $? "prompt, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
judge() { # DRIVER
    MTB_CUDASIM="unguarded $1" timeout 600 "$sim" judge --first-n 1 --data-dir "$d" --bench-name smoke --reference smoke --model-list want --judge-model own --judge-path "$d/small" \
        --judge-constrained --judge-max-tokens 1 --max-batch 1 --max-error-rate 1 --threads 1 --device cuda --quiet >"$d/out" 2>"$d/err"
    rc=$?
}
judgments() { sed 's/"tstamp".*//' "$d/smoke/model_judgment/own_single.jsonl" 2>/dev/null | sort; } # in the order in which they came
judge ""
all=$(judgments)
[ $rc -eq 0 ] && [ ${#all} -gt 100 ]; ok $? "a local judge on the GPU"
rm -r "$d/smoke/model_judgment"
judge "quiet lose_device=150"
told 75; ok $? "a judge whose card is lost, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
judge ""
[ $rc -eq 0 ] && [ "$(judgments)" = "$all" ]; ok $? "started again: the same judgments"
rm -r "$d/smoke/model_judgment"
run_() { # DRIVER FLAGS...
    do_ "$1" run --first-n 1 --model-id whole --max-new-token 3 --max-batch 1 --reference smoke --judge-model own --judge-path "$d/small" --judge-constrained --judge-max-tokens 1 \
        --max-error-rate 1 "${@:2}"
}
run_ "quiet lose_device=120"
told 75; ok $? "run, in the answers, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
run_ "quiet lose_device=165"
told 75; ok $? "run, in the judgments, exit code $rc: $(tail -1 "$d/err" | cut -c1-150)"
run_ ""
[ $rc -eq 0 ] && [ "$(judgments)" = "${all//want/whole}" ] && grep -q '^judgments 2/2' "$d/out"; ok $? "run, started again: all answers and judgments"

# ---- ranks, and what each of them sees
cat >"$d/each" <<'END'
#!/bin/bash
# each VARIABLE VALUE,VALUE... PROGRAM...: the variable is the rank's one of these, "-" unset
IFS=/ read -ra value <<<"$2"
value=${value[$OMPI_COMM_WORLD_RANK]}
[ "$value" = - ] || export "$1=$value"
exec "${@:3}"
END
chmod +x "$d/each"
ranks() { # VARIABLE VALUES FLAGS...: two ranks, two cards
    MTB_CUDASIM="unguarded ${driver:-devices=2}" timeout 300 mpirun --oversubscribe -n 2 "$d/each" "$1" "$2" "$sim" answer --model-path "$d/small" --data-dir "$d" \
        --bench-name smoke --max-new-token 3 --max-batch 1 --threads 1 --device cuda --quiet "${@:3}" >"$d/out" 2>"$d/err"
    rc=$?
}
card=GPU-00000000-0000-0000-0000-00000000000
for views in 0/1 1/0 "${card}1/${card}2" 0,1/0,1 0,1/1,0 "${card}2,${card}1/0"; do
    ranks CUDA_VISIBLE_DEVICES "$views" --model-id "v$n"
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "ranks see $views: the same digest"
done
refused() { # CODE WORDS VARIABLE VALUES FLAGS...
    ranks "${@:3}" --model-id refused
    [ $rc -eq "$1" ] && [ "$(said)" -eq 1 ] && grep -qE -- "$2" "$d/err"; ok $? "refused ($rc), $3=$4: $(head -1 "$d/err" | cut -c1-200)"
}
for views in 0/0 1/1 "${card}1/0" "1/0,1,7"; do
    [ "$views" = 1/0,1,7 ] || refused 77 'two ranks do not share a card; start at most 1 rank' CUDA_VISIBLE_DEVICES "$views"
done
refused 77 'names 3 GPUs and the driver knows 2' CUDA_VISIBLE_DEVICES 1/0,1,7
refused 77 'rank 1 on|names none of this machine' CUDA_VISIBLE_DEVICES 0/-1
refused 77 'Slurm gave this job no GPU' CUDA_VISIBLE_DEVICES NoDevFiles/NoDevFiles
MTBENCH_DEVICE=auto refused 77 'rank 0 on .* has a GPU, rank 1 on .* has none' CUDA_VISIBLE_DEVICES 0/NoDevFiles --device auto
driver=arch=80 refused 77 'rank 1 on .*: computes by cuda-sm80-f16-kv16-v1.*by cuda-sm90-f16-kv16-v1' MTB_CUDASIM "devices=2 arch=90/devices=2 arch=80"
for which in "-/devices=2 quiet lose_device=45" "devices=2 quiet lose_device=45/-" "-/devices=2 quiet fail_alloc=4" "devices=2 quiet fail_launch=3/-"; do
    ranks MTB_CUDASIM "$which" --model-id "r"
    [ $rc -ne 0 ] && [ $rc -ne 124 ] && [ "$(said)" -eq 1 ] && grep -q '^mtbench: .*GPU [01]: .*; ' "$d/err"; ok $? "one of two ranks, $which, exit code $rc: $(grep -m 1 GPU "$d/err" | cut -c1-200)"
done
ranks MTB_CUDASIM "-/-" --model-id r
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "then both: the same digest"
echo "1..$n"
exit $bad
