#!/bin/bash
# Energy of a run: from a made powercap folder whose counters run, from a stub of the GPU's management library, and where nobody tells.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
cap="$d/powercap"
mkdir -p "$cap/intel-rapl:0"
echo package-0 >"$cap/intel-rapl:0/name"
echo 262143328850 >"$cap/intel-rapl:0/max_energy_range_uj"
echo 0 >"$cap/intel-rapl:0/energy_uj"
python3 - "$cap/intel-rapl:0/energy_uj" <<'PY' &
import os, sys, time
begun = time.time()
with open(sys.argv[1], "r+") as f:       # 100 W, in place, as long a text each time
    while os.getppid() != 1:
        os.pwrite(f.fileno(), b"%012d\n" % int((time.time() - begun) * 1e8), 0)
        time.sleep(0.001)
PY
counter=$!
trap 'kill $counter; rm -rf "$d"' EXIT
export MTBENCH_TEST_POWERCAP="$cap"

# check FILE: turns and phases of the run, by python
check() { python3 - "$answers/$1.journal" "$answers/$1.phases" "$2" <<'PY'
import json, sys
turns = [json.loads(line) for line in list(open(sys.argv[1]))[1:]]
phases = [json.loads(line) for line in open(sys.argv[2])]
measured = sys.argv[3] == "yes"
answers = [p for p in phases if p["phase"] == "answers"]
if not measured:
    sys.exit(any("energy_j" in x for x in turns + phases) or not all(p["energy_reason"] for p in phases))
parts, whole = sum(t["energy_j"] for t in turns), sum(p["energy_j"] for p in answers)
print(f"{len(turns)} turns have {parts:.1f} J of {whole:.1f} J in {sum(p['seconds'] for p in answers):.2f} s")
watts = [p["energy_j"] / p["seconds"] for p in answers]
sys.exit(not (all(t["energy_j"] > 0 for t in turns) and 0.5 * whole < parts <= 1.001 * whole and all(50 < w < 150 for w in watts)
              and all(p["energy_source"] == "RAPL" and p["tokens"] for p in answers) and {p["phase"] for p in phases} == {"load", "answers"}))
PY
}
run 1 --model-id one --max-new-token 64
[ $rc -eq 0 ] && grep -qE '^energy    [0-9.]+ J answers   [0-9.]+ J load   [0-9.]+ J/token   \(RAPL\)$' "$d/out"; ok $? "the line: $(grep ^energy "$d/out")"
shares=$(check one yes); ok $? "turns share what the answers took: $shares"
first=$(digest)
run 3 --model-id three --max-new-token 64
[ "$(digest)" = "$first" ]; ok $? "answers do not depend on it"
shares=$(check three yes); ok $? "on three ranks of a node its joules count once: $shares"
MTBENCH_TEST_RANKS_PER_NODE=1 run 2 --model-id two
[ "$(python3 -c 'import json, sys; p = [json.loads(l) for l in open(sys.argv[1])][-1]; print(130 < p["energy_j"] / p["seconds"] < 300, p["nodes"])' "$answers/two.phases")" = "True 2" ]
ok $? "two nodes take twice as much"
run 1 --model-id one --max-new-token 64
[ $rc -eq 0 ] && ! grep -q '^energy' "$d/out" && [ "$(wc -l <"$answers/one.phases")" -eq 2 ]; ok $? "a start that computes nothing measures nothing"

cp -r data/smoke/reference_answer data/smoke/judge_prompts.jsonl "$d/smoke/"
mpirun -n 1 "$build/mtbench" judge --model-list one --judge-model own --judge-path "$d/model" --data-dir "$d" --bench-name smoke --reference smoke --judge-max-tokens 8 \
    --max-error-rate 1 --quiet >"$d/out" 2>"$d/err" </dev/null
grep -qE '^energy    [0-9.]+ J judging   [0-9.]+ J load   \(RAPL\)$' "$d/out" && [ "$(grep -o '"phase": "[a-z]*"' "$d/smoke/model_judgment/own_single.phases" | tr '\n' ' ')" = '"phase": "load" "phase": "judging" ' ]
ok $? "a local judge's too: $(grep ^energy "$d/out")"

MTBENCH_TEST_POWERCAP="$d/none" run 2 --model-id none
[ $rc -eq 0 ] && grep -q "^energy    not measured (.*: $d/none: this machine tells of no package's energy)" "$d/out" && check none no; ok $? "nobody tells: $(grep ^energy "$d/out")"
rm "$cap/intel-rapl:0/max_energy_range_uj"
run 2 --model-id half
[ $rc -eq 0 ] && grep -q '^energy    not measured (.*intel-rapl:0/energy_uj' "$d/out" && check half no; ok $? "a counter without its range: $(grep ^energy "$d/out" | cut -c1-100)"

# ---- NVML ----
export MTBENCH_NVML="$PWD/$build/tests/nvml_stub.so" NVML_STUB_BUS=0000:3B:00.0 NVML_STUB_ENERGY="$d/mj"
probe() { "$build/tests/probe/nvml" "$@"; }
echo 5000 >"$d/mj"; [ "$(probe 0000:3B:00.0 "$d/mj" 7250)" = 2.250 ]; ok $? "a card's millijoules are joules since it was opened"
[ "$(probe 0000:AF:00.0 "$d/mj" 1)" = "NVML: 0000:AF:00.0: Not Found" ]; ok $? "another card is not found"
echo -1 >"$d/mj"; [ "$(probe 0000:3B:00.0 "$d/mj" 1)" = "NVML: 0000:3B:00.0: Not Supported" ]; ok $? "a card without a counter"
echo 5000 >"$d/mj"; probe 0000:3B:00.0 "$d/mj" 10 | grep -q 'went back'; ok $? "a counter that went back is not believed"
probe "0000:3B:00.0 MIG-1" "$d/mj" 1 | grep -q 'slice'; ok $? "a slice has no counter of its own"
MTBENCH_NVML="$d/none.so" probe 0000:3B:00.0 "$d/mj" 1 | grep -q 'none.so cannot be opened'; ok $? "no library, no number"
echo "1..$n"
exit $bad
