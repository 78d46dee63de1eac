#!/bin/bash
# TAP: `mtbench aggregate` and `show` of campaign files: runs of our own, as `mtbench run` leaves them (tests/tools/make_runs.py), and FastChat's folders
# without a journal.
cd "$(dirname "$0")/../.." || exit 1
root=$PWD n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; sed 's/^/#   /' out err 2>/dev/null | head -20; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
python3 tests/tools/make_runs.py "$d" 6 16 || { echo "Bail out! no runs"; exit 1; }
cd "$d" || exit 1
mtbench() { "$root/mtbench" "$@" >out 2>err; }
# Of a folder show also says how to look at it.
show_folder() { "$root/mtbench" show --data-dir "$@" | grep -v '^look: '; }
aggregate() { mtbench aggregate "$@"; }

# Runs in, runs added, twice, changed.
aggregate run000[0-3] -o c.h5 && grep -q '^runs  *4 added   0 replaced   0 unchanged   4 in all$' out; ok $? "four runs: $(head -1 out)"
aggregate -o c.h5 run0002 run0004 && grep -q '^runs  *1 added   0 replaced   1 unchanged   5 in all$' out; ok $? "one of them again and a new one: $(head -1 out)"
before=$(stat -c '%i %y' c.h5)
aggregate run000[0-4] --output c.h5 && grep -q '^kept' out && [ "$(stat -c '%i %y' c.h5)" = "$before" ]; ok $? "all of them again: the file is left alone"
cp -r run0001 elsewhere && aggregate elsewhere -o c.h5 && grep -q ' 1 unchanged' out; ok $? "a copy in another folder is the same run"
for r in 0 1 2 3; do
    diff <(show_folder run000$r) <(aggregate run000$r -o one$r.h5; "$root/mtbench" show one$r.h5) >diff
    ok $? "show of a campaign of one run is show of its folder"
done
mtbench show c.h5 && [ "$(grep -c '^model-' out)" -eq 4 ] && grep -q 'repeats' out; ok $? "show: four models, two seeds of one"
mtbench show c.h5 --by category --format csv && [ "$(grep -c '^model-' out)" -eq 32 ]; ok $? "--by category"
mtbench show c.h5 --compare model-0 model-3 && grep -q '^model-0 ' out; ok $? "--compare"

# And back again.
aggregate --extract back c.h5; ok $? "--extract: $(cat out)"
same=0
for r in 0 1 2 3 4; do diff -r --exclude='*.journal' run000$r back/run000$r >diff || same=1; done
[ $same = 0 ]; ok $? "FastChat's files byte for byte"

# A folder as FastChat leaves it: no journal, two models in one file, keys of others, blanks, a CR, text beyond ASCII as it is, NUL, half a surrogate
# pair, no newline at the end.
mkdir -p foreign/mt_bench && cp -r run0000/mt_bench/model_answer run0000/mt_bench/question.jsonl foreign/mt_bench/ && rm foreign/mt_bench/model_answer/*.[jm]*[lt] 2>/dev/null
cp run0000/mt_bench/model_answer/model-0.jsonl run0001/mt_bench/model_answer/model-1.jsonl foreign/mt_bench/model_answer/
mkdir -p foreign/mt_bench/model_judgment
python3 - <<'PY'
import itertools
a, b = (open(f"run000{i}/mt_bench/model_judgment/a-judge_single.jsonl").read().splitlines() for i in (0, 1))
mixed = [line for pair in itertools.zip_longest(a, b) for line in pair if line]
mixed[3] = mixed[3][:-1] + ', "extra": [1, {"b": null}]}'
mixed[5] = mixed[5].replace('", "', '","', 1)
mixed[8] = mixed[8].replace(' [[', ' \\u0000 \\ud83d [[', 1)
mixed[9] = "\ufeff" + mixed[9] + "\r"
mixed[11] = "  \n\n" + mixed[11]
open("foreign/mt_bench/model_judgment/a-judge_single.jsonl", "w", newline="").write("\n".join(mixed))
answers = open("foreign/mt_bench/model_answer/model-0.jsonl").read().splitlines()
answers[2] = answers[2].replace('"turns": ["', '"turns": [null, "', 1)
answers[4] = answers[4].replace("\\n", "\\u000a", 1)
open("foreign/mt_bench/model_answer/model-0.jsonl", "w", newline="").write("\n".join(answers) + "\n\n")
PY
aggregate foreign -o f.h5 && aggregate --extract fback f.h5 && diff -r foreign fback >diff; ok $? "a foreign folder, byte for byte: $(cat out)"
diff <(show_folder foreign) <("$root/mtbench" show f.h5); ok $? "and shown as the folder is"
sed -i 's/tstamp": 1/tstamp": 2/' foreign/mt_bench/model_answer/model-0.jsonl
aggregate foreign -o f.h5 && grep -q ' 0 added   1 replaced   1 unchanged   2 in all' out && aggregate --extract fback2 f.h5 && diff -r foreign fback2 >diff; ok $? "changed: $(head -1 out)"

# A folder that grows: a second model's lines come into the judge's file, and phases and calls come later. The campaign is as if made at once.
mkdir grows && cp -r run0000 grows/data && aggregate grows/data -o g.h5
cp run0001/mt_bench/model_answer/* grows/data/mt_bench/model_answer/
cat run0001/mt_bench/model_judgment/a-judge_single.jsonl >>grows/data/mt_bench/model_judgment/a-judge_single.jsonl
aggregate grows/data -o g.h5 && grep -q ' 1 added   1 replaced   0 unchanged   2 in all' out; ok $? "a shared file of judgments grew: $(head -1 out)"
aggregate --extract gback g.h5 && diff -r --exclude='*.journal' grows/data gback >diff; ok $? "and comes back whole: $(cat out)"
echo '{"phase": "answers", "started": 1.0, "seconds": 2.0, "energy_j": 3.0}' >grows/data/mt_bench/model_answer/model-1.phases
aggregate grows/data -o g.h5 && grep -q ' 0 added   1 replaced   1 unchanged ' out; ok $? "phases that came later are noticed: $(head -1 out)"
tail -1 run0001/mt_bench/model_judgment/a-judge_single.journal >>grows/data/mt_bench/model_judgment/a-judge_single.journal
aggregate grows/data -o g.h5 && grep -q ' 0 added   2 replaced ' out && mtbench show g.h5 --export jsonl --table calls && python3 - <<'PY'
import json
rows = [json.loads(line) for line in open("out")]
assert {r["model"] for r in rows} == {"model-0", "model-1"} and {r["server_model"] for r in rows} == {"a-judge"}, rows[0]
PY
ok $? "and calls, exported with their run's model and the server's"

# A turn that failed, twice, and was made, and one that was not made any more.
cp -r run0000 failed && python3 - <<'PY'
import json
path = "failed/mt_bench/model_answer/model-0.journal"
head, *lines = open(path).read().splitlines()
bad = [json.dumps({**json.loads(lines[i]), "status": "failed", "reason": "no memory", "text": ""}) for i in (2, 3)]
open(path, "w").write("\n".join([head, *lines[:2], bad[0], bad[0], bad[1], bad[1], lines[2], *lines[4:]]) + "\n")
path = "failed/mt_bench/model_answer/model-0.jsonl"
answers = [json.loads(line) for line in open(path)]
answers[1]["choices"][0]["turns"][1] = "$ERROR$"
open(path, "w").write("".join(json.dumps(a) + "\n" for a in answers))
PY
aggregate failed -o failed.h5 && mtbench show failed.h5 --export jsonl --table runs && grep -q '"failed_turns": 1,' out; ok $? "a turn that failed and was made is none that failed"

# What a server answered has no seed: two folders are two runs. And a folder that cannot be looked into is not an empty one.
for i in 1 2; do
    mkdir -p hosted$i && cp -r run0000/mt_bench hosted$i/ && sed -i "1s/.*/{\"journal\": \"calls\", \"version\": 1, \"identity\": {\"model\": \"m\"}, \"info\": {}}/;2,\$d" \
        hosted$i/mt_bench/model_answer/model-0.journal && sed -i "s/\"tstamp\": 1/\"tstamp\": $i/" hosted$i/mt_bench/model_answer/model-0.jsonl
done
aggregate hosted1 hosted2 -o hosted.h5 && grep -q ' 2 added ' out; ok $? "a hosted model in two folders is two runs: $(head -1 out)"
cp -r run0000 looped && rm -r looped/mt_bench/model_judgment && ln -s model_judgment looped/mt_bench/model_judgment
mtbench aggregate looped -o looped.h5; [ $? -eq 1 ] && grep -q 'model_judgment: cannot list' err && [ ! -e looped.h5 ]; ok $? "a folder that cannot be read: $(cat err)"

# What only a campaign can show.
mtbench show c.h5 --by model,seed && grep -qE '^model-0 +1 +[0-9.]+ ' out && [ "$(grep -c '^model-' out)" -eq 5 ]; ok $? "--by model,seed"
mtbench show c.h5 --by category,turn --format csv && [ "$(wc -l <out)" -eq 17 ]; ok $? "--by category,turn"
mtbench show c.h5 --history && [ "$(sed -n '2,5s/ .*//p' out | tr '\n' ' ')" = "model-0 model-1 model-2 model-3 " ]; ok $? "--history"
mtbench show c.h5 --noise && grep -qE '^model-0 .* (other questions|more seeds)$' out; ok $? "--noise: $(grep '^model-0' out | tr -s ' ')"
sed 's/"score": [0-9]*/"score": 5/' run0001/mt_bench/model_judgment/a-judge_single.jsonl >run0001/mt_bench/model_judgment/a-judge_single.repeat2.jsonl
aggregate run0001 -o rep.h5 && mtbench show rep.h5 --noise && grep -qE '^model-1 +[0-9.]+ +- +[0-9.]+ ' out; ok $? "--noise of repeats: $(grep '^model-1' out | tr -s ' ')"
diff <(show_folder run0001 --repeat 2) <("$root/mtbench" show rep.h5) >diff; ok $? "a campaign of repeats is shown as its folder with --repeat 2"
rm run0001/mt_bench/model_judgment/a-judge_single.repeat2.jsonl
mkdir asked && cp -r run0000 asked/old && aggregate asked/old -o q.h5 && sed -i '1s/"turns": \["/"turns": ["Well, /' asked/old/mt_bench/question.jsonl && aggregate asked/old -o q.h5 &&
    grep -q ' 1 replaced ' out && [ "$(h5ls q.h5/bench 2>/dev/null | wc -l)" -le 1 ]; ok $? "other questions: the run replaces itself, the old ones are gone: $(head -1 out)"
for format in csv json jsonl parquet; do mtbench show c.h5 --export $format --table turns && cp out turns.$format; done
python3 - <<'PY'
import csv, json
rows = list(csv.DictReader(open("turns.csv", newline="")))
lines = [json.loads(line) for line in open("turns.jsonl")]
assert json.load(open("turns.json")) == lines and len(rows) == len(lines) == 5 * 32
assert list(csv.DictReader(open("turns.parquet", newline=""))) == rows
for a, b in zip(rows, lines):
    assert a["text"] == b["text"] and int(a["n_new"]) == b["n_new"] and a["energy_j"] == "" and b["energy_j"] is None
PY
ok $? "--export: CSV, JSON, JSON lines and the CSV for Parquet hold the same"

# The order of the runs does not matter.
aggregate run0004 run0002 -o d.h5 && aggregate run0001 -o d.h5 && aggregate run0003 run0000 -o d.h5
cp c.h5 kept.h5
if command -v h5diff h5dump h5ls >/dev/null; then
    aggregate run000[0-4] -o e.h5 && h5diff d.h5 e.h5 >out 2>err && [ ! -s out ]; ok $? "h5diff: two files of the same runs in another order, at once and one by one"
    h5ls -r c.h5 >out 2>err && [ "$(grep -c Dataset out)" -eq 33 ]; ok $? "h5ls lists $(grep -c Dataset out) tables"
    h5dump c.h5 >out 2>err && [ ! -s err ] && grep -q 'CSET H5T_CSET_UTF8' out && grep -q '"a-judge"' out; ok $? "h5dump prints all of it"
else
    skip "h5diff, h5ls, h5dump: Debian's hdf5-tools is not here"
fi
if python=$("$root/tests/peers/venv" campaign 2>err); then
    "$python" - <<'PY' >out 2>err
import h5py, json, numpy as np, pandas as pd
with h5py.File("c.h5") as f:
    assert f.attrs["schema"] == "mtbench campaign" and f.attrs["schema_version"] == 1
    runs, tables = pd.DataFrame(f["runs"][:]), 0
    assert len(runs) == 5 and runs.seed.tolist() == [0, 1, 0, 0, 0] and runs.energy_j.isna().all()
    def look(name, d):
        global tables
        if isinstance(d, h5py.Dataset):
            tables += 1
            frame = pd.DataFrame(d[:])
            assert len(frame) == len(d) and d.compression == "gzip" and d.shuffle, name
            for column in d.dtype.names:
                text = h5py.check_string_dtype(d.dtype[column])
                if text and text.length is None:
                    assert text.encoding == "utf-8", (name, column)
                    [v.decode() for v in d[column]]
    f.visititems(look)
    for key, model in zip(runs.key, runs.model):
        g = f["run"][key.decode()[:16]]
        j, t, c = (pd.DataFrame(g[name][:]) for name in ("judgments", "turns", "calls"))
        folder = next(r for r in range(5) if model.decode() == f"model-{r % 4}" and f["runs"]["seed"][list(runs.key).index(key)] == r // 4)
        lines = [json.loads(line) for line in open(f"run000{folder}/mt_bench/model_judgment/a-judge_single.jsonl")]
        assert j.score.tolist() == [l["score"] for l in lines] and [v.decode() for v in j.judgment] == [l["judgment"] for l in lines]
        turns = [json.loads(line) for line in open(f"run000{folder}/mt_bench/model_answer/{model.decode()}.journal")][1:]
        assert [v.decode() for v in t.text] == [l["text"] for l in turns] and t.n_new.tolist() == [l["n_new"] for l in turns]
        assert c.cost.sum() > 0 and (j.call >= 0).all() and (c.tstamp[j.call].to_numpy() == j.tstamp.to_numpy()).all()
        assert g["turns"].attrs["units"].decode().startswith("n_prompt: tokens")
print(tables, "tables")
PY
    ok $? "h5py and pandas read every table, in the lines' own values: $(cat out)"
else
    skip "h5py and pandas: $(cat err)"
fi

# Bad input: one clear line, and nothing is changed.
refused() { # text, words of mtbench ...
    local want=$1
    shift
    mtbench "$@"
    [ $? -eq 1 ] && [ "$(grep -c '^mtbench: ' err)" -eq 1 ] && grep -q -- "$want" err; ok $? "refused: $(head -1 err)"
}
echo text >text.h5; head -c 3000 c.h5 >cut.h5; : >empty.h5; mkdir -p folder.h5
refused 'is no HDF5 file' show text.h5
refused 'is no HDF5 file' show empty.h5
refused 'cut.h5: cannot open it as HDF5' show cut.h5
refused 'is a folder and no campaign file' show folder.h5
refused 'No such file' show none.h5
refused 'is no HDF5 file' aggregate run0000 -o text.h5
refused 'no run is in it' aggregate folder.h5 -o new.h5
refused 'none/such: cannot be aggregated' aggregate none/such -o new.h5
refused 'is no run' aggregate text.h5 -o new.h5
refused 'out of one campaign file' aggregate --extract x c.h5 d.h5
refused 'is missing' aggregate run0000
refused 'only of a campaign file' show --noise
refused 'unknown; give runs' show c.h5 --export csv --table tables
[ ! -e new.h5 ] && [ "$(cat text.h5)" = text ]; ok $? "and nothing was written"
cp run0000/mt_bench/model_judgment/a-judge_single.jsonl good.jsonl && mkdir -p broken/mt_bench/model_judgment
sed '5s/.*/{"question_id": 1/' good.jsonl >broken/mt_bench/model_judgment/a-judge_single.jsonl
refused 'a-judge_single.jsonl:5: ' aggregate broken -o c.h5
cmp -s c.h5 kept.h5 && [ "$(ls c.h5*)" = c.h5 ]; ok $? "the campaign is as it was, and nothing lies beside it"

# A journal that is damaged in the middle: told with its place, all else is there.
cp -r run0005 hurt && journal=hurt/mt_bench/model_answer/model-1.journal
python3 -c 'import sys; p = sys.argv[1]; b = open(p, "rb").read().split(b"\n"); b[7] = b"\0" * 40 + b[7][30:]; open(p, "wb").write(b"\n".join(b))' $journal
aggregate hurt -o hurt.h5 && grep -q "$journal:8: the journal is damaged here" err && mtbench show hurt.h5 --export csv --table turns && [ "$(tail -n +2 out | wc -l)" -ge 32 ]
ok $? "a damaged journal: $(aggregate hurt -o hurt2.h5; head -1 err)"
aggregate --extract hurtback hurt.h5 && diff -r --exclude='*.journal' hurt hurtback >diff; ok $? "and its answers come back whole"

# Files of other versions and programs.
if [ -n "${python:-}" ]; then
    "$python" - <<'PY' 2>err
import h5py, shutil
for name, version in (("later", 2), ("nothing", None)):
    shutil.copy("c.h5", f"{name}.h5")
    with h5py.File(f"{name}.h5", "r+") as f:
        del f.attrs["schema_version"]
        if version:
            f.attrs["schema_version"] = version
with h5py.File("other.h5", "w") as f:
    f["runs"] = [1, 2, 3]
shutil.copy("c.h5", "earlier.h5")
with h5py.File("earlier.h5", "r+") as f:          # an earlier one lacks fields and tables, a field has another kind in the last
    for g in f["run"].values():
        for name in ("calls", "phases"):
            if name in g:
                del g[name]
        old = g["judgments"]
        keep = [n for n in old.dtype.names if n not in ("call", "empty")]
        rows = old[:][keep]
        del g["judgments"]
        g.create_dataset("judgments", data=rows.astype([(n, old.dtype[n]) for n in keep]))
    keep = [n for n in f["runs"].dtype.names if n not in ("folder", "job", "sources", "bench_key")]
    rows, kinds = f["runs"][:][keep], f["runs"].dtype
    del f["runs"]
    f.create_dataset("runs", data=rows.astype([(n, kinds[n]) for n in keep]))
shutil.copy("c.h5", "wrong.h5")
with h5py.File("wrong.h5", "r+") as f:
    g = next(iter(f["run"].values()))
    del g["judgments"]
    g["judgments"] = [1.0, 2.0]
PY
    refused 'is of schema version 2, this program knows 1' show later.h5
    refused 'is of schema version 2' aggregate run0000 -o later.h5
    refused 'does not say its schema_version' show nothing.h5
    refused 'is an HDF5 file of another program' show other.h5
    refused 'is an HDF5 file of another program' aggregate run0000 -o other.h5
    refused 'is no table of a campaign' show wrong.h5
    diff <("$root/mtbench" show c.h5) <("$root/mtbench" show earlier.h5) >diff; ok $? "a file that lacks fields and tables is read"
    aggregate run0005 -o earlier.h5 && aggregate run0005 -o earlier.h5 && grep -q ' 1 unchanged   6 in all' out; ok $? "and added to: $(head -1 out)"
fi

# Folders without locks: flock() and fcntl() fail there.
saboteur=$root/build/${VARIANT:-release}/tests/no_locks.so
if [ -e "$saboteur" ]; then
    LD_PRELOAD=$saboteur aggregate run0000 -o nolocks.h5 && LD_PRELOAD=$saboteur aggregate run0001 -o nolocks.h5 && LD_PRELOAD=$saboteur mtbench show nolocks.h5
    ok $? "where no lock can be had: $(sed -n 2p out)"
    HDF5_USE_FILE_LOCKING=TRUE LD_PRELOAD=$saboteur mtbench show nolocks.h5; ok $? "show asks for none, whatever HDF5_USE_FILE_LOCKING says"
    HDF5_USE_FILE_LOCKING=TRUE LD_PRELOAD=$saboteur aggregate run0002 -o nolocks.h5; [ $? -eq 1 ] && [ "$(wc -l <err)" -eq 1 ]
    ok $? "writing does where that is TRUE, as its users know: $(head -1 err)"
fi
python3 - "$root/mtbench" <<'PY' >out 2>err
import fcntl, struct, subprocess, sys
with open("c.h5", "r+b") as f:
    fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))      # F_OFD_SETLK, as an aggregation holds it
    r = subprocess.run([sys.argv[1], "aggregate", "run0005", "-o", "c.h5"], capture_output=True, text=True)
assert r.returncode == 1 and "another aggregation is writing it" in r.stderr, r
print(r.stderr.strip())
PY
ok $? "two at once: $(cat out)"

for i in 1 2 3 4; do "$root/mtbench" aggregate run000$i -o first.h5 >first$i 2>&1 & done; wait
mtbench show first.h5 --export csv --table runs && [ "$(tail -n +2 out | wc -l)" -eq "$(grep -l '^wrote' first[1-4] | wc -l)" ] && [ "$(ls first.h5*)" = first.h5 ]
ok $? "four that make one file at once: $(grep -l '^wrote' first[1-4] | wc -l) did, the others say $(cat first[1-4] | grep -m 1 'mtbench: ')"

# No room: the file is as it was.
cp kept.h5 full.h5; size=$(($(stat -c %s full.h5) / 1024))
for more in 2 20 40; do
    (trap '' XFSZ; ulimit -f $((size + more)); exec "$root/mtbench" aggregate run0005 -o full.h5) >out 2>err; rc=$?
    [ $rc -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] && cmp -s full.h5 kept.h5; ok $? "$more KB of room: $(head -1 err)"
done
(trap '' XFSZ; ulimit -f 100; exec "$root/mtbench" aggregate run0000 run0001 -o full2.h5) >out 2>err; rc=$?
[ $rc -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] && [ -z "$(ls full2.h5* 2>/dev/null)" ]; ok $? "nor is a half one made: $(head -1 err)"

# kill -9 at a random moment: the file opens, and holds the old state or the new one. KILLS=200 for many.
cp kept.h5 killed.h5
"$root/mtbench" show killed.h5 >old.txt; cp kept.h5 whole.h5; aggregate run0005 -o whole.h5; "$root/mtbench" show whole.h5 >new.txt
python3 - "$root/mtbench" "${KILLS:-12}" <<'PY' >out 2>err
import os, random, shutil, subprocess, sys, time
program, kills = sys.argv[1], int(sys.argv[2])
old, new = open("old.txt").read(), open("new.txt").read()
start = time.time()
shutil.copy("kept.h5", "killed.h5")
subprocess.run([program, "aggregate", "run0005", "-o", "killed.h5"], check=True, capture_output=True)
most, seen = time.time() - start, {"old": 0, "new": 0}
for i in range(kills):
    shutil.copy("kept.h5", "killed.h5")
    p = subprocess.Popen([program, "aggregate", "run0005", "-o", "killed.h5"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.random() * most)
    p.kill()
    p.wait()
    shown = subprocess.run([program, "show", "killed.h5"], capture_output=True, text=True)
    assert shown.returncode == 0 and shown.stdout in (old, new), shown
    seen["old" if shown.stdout == old else "new"] += 1
    most *= 1.1 if shown.stdout == old else 0.8      # so that the machine's load does not decide which it is
r = subprocess.run([program, "aggregate", "run0005", "-o", "killed.h5"], capture_output=True, text=True)
assert r.returncode == 0, r
left = [f for f in os.listdir(".") if f.startswith("killed.h5.")]
assert not left, left
print(kills, "kills:", seen["old"], "old,", seen["new"], "new")
PY
ok $? "kill -9 at random: $(cat out)"
echo "1..$n"
exit $bad
