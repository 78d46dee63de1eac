#!/bin/bash
# TAP: tables for papers: every view of show, agree and of campaign files in Markdown and LaTeX, with the figures of the text.
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
python=python3
if with=$(tests/peers/venv html 2>&1); then python=$with; else echo "# ${with##*$'\n'}: without pylatexenc"; fi
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
python3 tests/run/bench_data.py "$d/data" >/dev/null || exit 1
"$python" -B tests/run/papers_check.py "build/${VARIANT:-release}/mtbench" "$d/data" "$d"
