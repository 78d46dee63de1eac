#!/bin/bash
# TAP: what tests/run-tests counts: a skip, a crash, a lie about the plan and a silent program must all be seen. And that the faults which
# tests/tools/mutate.py plants by name still have their place in the code.
cd "$(dirname "$0")/../.." || exit 1
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
n=0 bad=0
case_of() { # the program's body, closing line, exit code, what
    printf '#!/bin/bash\n%s\n' "$1" >"$d/t" && chmod +x "$d/t"
    out=$(TEST_TIMEOUT=${limit:-20} tests/run-tests "$d/t"); rc=$?
    n=$((n + 1))
    if [ "$(tail -1 <<<"$out")" = "$2" ] && [ "$rc" -eq "$3" ]; then echo "ok $n - $4"; else
        echo "not ok $n - $4"; bad=1; sed 's/^/#   /' <<<"$out (exit $rc)"; fi
}
case_of 'echo "ok 1 - a"; echo "ok 2 - b"; echo 1..2' '2 passed, 0 failed' 0 'two tests pass'
case_of 'echo "ok 1 - a"; echo "not ok 2 - b"; echo 1..2; exit 1' '1 passed, 1 failed' 1 'one of two fails'
case_of 'echo "ok 1 - a"; echo "not ok 2 - b"; echo 1..2' '1 passed, 1 failed' 1 'a failure counts whatever the exit code'
case_of 'echo "ok 1 - a"; echo "ok 2 # SKIP no network"; echo 1..2' '1 passed, 0 failed, 1 skipped' 0 'a skipped test is counted'
case_of 'echo "1..0 # SKIP no python3"' '0 passed, 0 failed, 1 skipped' 1 'a skipped program is counted, and is no test'
case_of 'echo 1..0' '0 passed, 1 failed' 1 'a program that tests nothing and does not say why has failed'
case_of 'true' '0 passed, 1 failed' 1 'a silent program has failed'
case_of 'echo "ok 1 - a"; echo 1..2' '1 passed, 1 failed' 1 'a plan that was not kept'
case_of 'echo "ok 1 - a"' '1 passed, 1 failed' 1 'no plan'
case_of 'echo "ok 1 - a"; echo 1..1; kill -SEGV $$' '1 passed, 1 failed' 1 'a crash behind the last test'
limit=1 case_of 'echo "ok 1 - a"; sleep 30; echo 1..1' '1 passed, 1 failed' 1 'a program that hangs'
case_of 'ulimit -f 0; echo "ok 1 - a"; echo 1..1' '1 passed, 0 failed' 0 'a test that bounds the size of files is heard all the same'
case_of 'echo "1..0 # SKIP"; exit 3' '0 passed, 1 failed' 1 'a skip that ends with an error'
# Those that run beside each other: both wait for the other's file, and are told in their order.
mkdir "$d/cuda"
for i in 1 2 3; do
    printf '#!/bin/bash\n: >%s/is.%s\nfor _ in $(seq 200); do [ -e %s/is.1 ] && [ -e %s/is.2 ] && break; sleep 0.1; done\n[ -e %s/is.2 ]\necho "$([ $? = 0 ] || echo not )ok 1 - %s"\necho 1..1\n' \
        "$d" $i "$d" "$d" "$d" $i >"$d/cuda/$i" && chmod +x "$d/cuda/$i"
done
out=$(tests/run-tests "$d/t" "$d/cuda/1" "$d/cuda/2" "$d/cuda/3"); rc=$?
n=$((n + 1))
if [ "$(nproc)" -lt 2 ]; then echo "ok $n # SKIP one core"
elif [ $rc -eq 1 ] && [ "$(tail -1 <<<"$out")" = '3 passed, 1 failed' ] && [ "$(grep -o '/cuda/[123] ' <<<"$out" | tr -d '\n')" = '/cuda/1 /cuda/2 /cuda/3 ' ]; then
    echo "ok $n - programs beside each other: in their order, all counted"
else echo "not ok $n - programs beside each other"; bad=1; sed 's/^/#   /' <<<"$out"; fi

# Ctrl-C, which a terminal sends to the group of run-tests: it ends, and no test goes on.
set -m
for t in "$d/slow" "$d/cuda/slow"; do
    rm -f "$d/pid"
    printf '#!/bin/bash\necho $$ >%s/pid.new\nmv %s/pid.new %s/pid\nsleep 60 & wait\necho "ok 1 - a"\necho 1..1\n' "$d" "$d" "$d" >"$t" && chmod +x "$t"
    tests/run-tests "$t" >"$d/said" 2>&1 & p=$!
    for _ in $(seq 200); do [ -e "$d/pid" ] && break; sleep 0.1; done
    kill -INT -- -$p
    wait $p 2>/dev/null; rc=$?
    for _ in $(seq 50); do kill -0 "$(cat "$d/pid")" 2>/dev/null || break; sleep 0.1; done
    n=$((n + 1))
    if [ $rc -eq 130 ] && [ -s "$d/pid" ] && ! kill -0 "$(cat "$d/pid")" 2>/dev/null; then echo "ok $n - interrupted: ${t#"$d"/} ends"; else
        echo "not ok $n - interrupted: ${t#"$d"/} goes on (exit $rc)"; bad=1; sed 's/^/#   /' "$d/said"; fi
done
set +m

n=$((n + 1))
if ! command -v python3 >/dev/null; then
    echo "ok $n # SKIP no python3"
elif python3 tests/tools/mutate.py --named --list >"$d/list" 2>"$d/why"; then
    echo "ok $n - each of the $(wc -l <"$d/list") faults of tests/tools/mutants.jsonl fits one place"
else
    echo "not ok $n - $(cat "$d/why")"; bad=1
fi
echo "1..$n"
exit $bad
