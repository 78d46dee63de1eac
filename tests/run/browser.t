#!/bin/bash
# TAP: the page of `mtbench browse` in a real Chromium: every control, every number, hostile texts, accessibility (tests/browser).
# BROWSER=long: all of axe-core's rules in every view, the large attacks, figures of a page of 31 models, screenshots in build/screens.
cd "$(dirname "$0")/../.." || exit 1
skip() { echo "1..0 # SKIP $1: the page was not opened in a browser"; exit 0; }
for c in chromium chromedriver; do command -v $c >/dev/null || skip "no $c here (Debian's chromium and chromium-driver)"; done
python=$(tests/peers/venv browser 2>/dev/null) || skip "selenium cannot be installed from PyPI here"
. tests/run/run_lib.sh
export CHROMIUM=$(command -v chromium) CHROMEDRIVER=$(command -v chromedriver) PYTHONDONTWRITEBYTECODE=1
# page DIR BENCH: writes DIR/BENCH.html
page() {
    "$build/mtbench" browse --data-dir "$1" --bench-name "$2" -o "$1/$2.html" >"$d/out" 2>"$d/err"
    ok $? "$(head -1 "$d/out")"
}
# begin PROGRAM ARGUMENTS...: runs beside the others
begin() { "$python" "tests/browser/$1" "${@:2}" >"$d/$1.tap" 2>"$d/$1.err" & }
# finish PROGRAM: its TAP lines become ours, its figures stay comments
finish() {
    while IFS= read -r line; do
        case $line in
        "ok "*) n=$((n + 1)); echo "ok $n - ${1%.py}: ${line#*- }" ;;
        "not ok "*) n=$((n + 1)) bad=1; echo "not ok $n - ${1%.py}: ${line#*- }" ;;
        "#"*) echo "$line" ;;
        esac
    done <"$d/$1.tap"
    : >"$d/out" && cp "$d/$1.err" "$d/err"
    grep -q '^1\.\.' "$d/$1.tap"; ok $? "${1%.py} comes to its end"
}
run 1 --model-id made --question-end 2; [ $rc -eq 0 ]; ok $? "a model answers two questions, with a journal"
"$python" tests/browser/bench.py "$d" && page "$d" smoke
"$python" tests/browser/hostile_bench.py "$d" && page "$d" hostile
"$build/mtbench" browse --data-dir "$d" --bench-name smoke --split "$d/split" >"$d/out" 2>"$d/err"; ok $? "and as a folder"
axe=$("$python" -c 'import axe_playwright_python as a, pathlib; print(pathlib.Path(a.__file__).parent / "axe.min.js")' 2>/dev/null)
begin controls.py "$d/smoke.html" made
begin access.py "$d/smoke.html" $axe
begin hostile.py "$d/hostile.html"
begin split.py "$d/split"
begin numbers.py "$d/smoke.html" "$d" "$build/mtbench"
wait
for program in controls.py access.py hostile.py numbers.py split.py; do finish $program; done
if [ "${BROWSER:-}" = long ]; then
    "$python" tests/browser/bench.py "$d/large" 31 80 2 && page "$d/large" smoke
    begin figures.py "$d/large/smoke.html" && wait && finish figures.py
    "$python" tests/browser/screens.py "$d/smoke.html" build/screens &&
        "$python" tests/browser/screens.py "$d/large/smoke.html" build/screens/large
    ok $? "pictures of all views, at three widths, light and dark, are in build/screens"
fi
echo "1..$n"
exit $bad
