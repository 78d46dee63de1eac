#!/bin/bash
# TAP: chat templates against Jinja2 itself on 20,000 generated ones (tests/golden/make_expressions.py); JINJA_SEED chooses others.
cd "$(dirname "$0")/../.." || exit 1
count=20000 seed=${JINJA_SEED:-11}
skip() { echo "ok 1 # SKIP $1"; echo 1..1; exit 0; }
python=$(tests/peers/venv template 2>/dev/null) || skip "Jinja2 cannot be installed from PyPI here"
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
for part in 0 1; do
    (ulimit -v 8000000; "$python" -W ignore tests/golden/make_expressions.py $((2 * seed + part)) $((count / 2)) >"$d/$part") &
done
wait
cat "$d/0" "$d/1" >"$d/all"
if [ "$(wc -l <"$d/all")" -ne $count ]; then
    echo "not ok 1 - the generator made $(wc -l <"$d/all") templates instead of $count"; echo 1..1
    exit 1
fi
exec "build/${VARIANT:-release}/tests/unit/template" "$d/all"
