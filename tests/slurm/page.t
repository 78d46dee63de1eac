#!/bin/bash
# TAP: slurm/CAMPAIGN.md, followed to the letter: its commands, in their order, and what it says they print. Figures may differ.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh && . tests/slurm/slurm_lib.sh || exit 1
why=$(tests/slurm/lab ready) || { echo "1..0 # SKIP $why"; exit 0; }
trap 'tests/slurm/lab stop "$lab" 2>/dev/null; rm -rf "$d"' EXIT
here=$PWD
# A tree like this one, in which answers may be written.
mkdir -p "$d/tree/data/smoke/reference_answer" && cp data/smoke/*.jsonl "$d/tree/data/smoke/" && cp data/smoke/reference_answer/* "$d/tree/data/smoke/reference_answer/"
ln -s "$here/tests" "$here/slurm" "$d/tree/" && ln -s "$here/$build/mtbench" "$d/tree/mtbench"
# commands of the page as a script: each is announced, and the shell keeps its variables
{
    echo "cd '$d/tree'; exec 2>&1"
    sed -n 's/^    //p' slurm/CAMPAIGN.md | sed "s|/tmp/lab|$lab|g" | while IFS= read -r line; do
        [ "${line#\$ }" != "$line" ] || continue
        printf 'echo %q\n%s\necho "code $?"\n' "$line" "${line#\$ }"
    done
} >"$d/script"
timeout 300 bash "$d/script" >"$d/out" 2>"$d/err" </dev/null
said=$(grep -c '^code ' "$d/out")
[ "$said" -eq "$(grep -c '^    \$ ' slurm/CAMPAIGN.md)" ] && [ "$(grep -c '^code 0$' "$d/out")" -eq "$said" ]
ok $? "its $said commands succeed"
mask() { sed -E 's/[0-9]+(\.[0-9]+)?/#/g; s/ +/ /g; s/ $//'; }
sed -n 's/^    //p' slurm/CAMPAIGN.md | grep -v '^\$ ' | mask | sort -u >"$d/shown"
mask <"$d/out" | sort -u >"$d/came"
comm -23 "$d/shown" "$d/came" >"$d/err"
[ ! -s "$d/err" ]; ok $? "what it shows is what came, but for figures"
[ "$(grep -h '^digest' "$d"/tree/mtbench-*_*.out | sort -u | wc -l)" -eq 4 ]; ok $? "four tasks, four digests"
[ "$(cat "$d"/tree/data/smoke/model_answer/*.journal | grep -c '"status": "ok"')" -eq 64 ]; ok $? "no turn was made twice"
echo "1..$n"
exit $bad
