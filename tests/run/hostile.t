#!/bin/bash
# TAP: what hostile texts become on the page, read by parsers that know nothing of ours (tests/tools/hostile.py has the texts).
cd "$(dirname "$0")/../.." || exit 1
python=python3
if with=$(tests/peers/venv html 2>&1); then python=$with; else echo "# ${with##*$'\n'}: without html5lib"; fi
exec "$python" -B tests/run/hostile_check.py "build/${VARIANT:-release}/tests/probe/markdown"
