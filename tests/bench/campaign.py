"""1,000 synthetic runs (80,000 answers, 160,000 judgments; BENCH_RUNS) into one campaign file, one run more, and the table of it, beside pandas and h5py doing
the same from the JSON lines: read each run's journals, answers and judgments, write them as HDF5 (a twentieth of the runs, times twenty)."""
import glob, os, shutil, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNS = int(os.environ.get("BENCH_RUNS", 1000))


def timed(what, *words):
    start = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, used = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    if status != 0:
        sys.exit(f"bench: {' '.join(words[:3])} ... failed; run it by hand")
    print(f"{what:36} {seconds:7.2f} s   {used.ru_utime + used.ru_stime:6.2f} s of CPU   {used.ru_maxrss >> 10:5} MB", flush=True)
    return seconds


def by_pandas(path, folders):
    """What a script of some twenty lines does; run by the Python that has them."""
    import h5py
    import pandas as pd
    with h5py.File(path, "w") as out:
        text = h5py.string_dtype()
        for folder in folders:
            group = out.create_group(os.path.basename(folder))
            for name in glob.glob(f"{folder}/mt_bench/*/*.jsonl") + glob.glob(f"{folder}/mt_bench/*/*.journal"):
                frame = pd.read_json(name, lines=True)
                for column in frame:
                    values, where = frame[column], f"{os.path.basename(name)}/{column}"
                    if values.dtype == object:
                        group.create_dataset(where, data=[str(v) for v in values], dtype=text)
                    elif values.dtype.kind in "if":
                        group.create_dataset(where, data=values.to_numpy(), compression="gzip", compression_opts=1)


def main():
    program, d = os.path.join(ROOT, "mtbench"), tempfile.mkdtemp()
    peer = subprocess.run([os.path.join(ROOT, "tests", "peers", "venv"), "campaign"], capture_output=True, text=True)
    try:
        make = [sys.executable, os.path.join(ROOT, "tests", "tools", "make_runs.py")]
        subprocess.run([*make, d, str(RUNS)], check=True)
        folders = sorted(glob.glob(f"{d}/run*"))
        subprocess.run([*make, f"{d}/more", "1", "80", str(RUNS)], check=True)
        size = sum(os.path.getsize(f) for f in glob.glob(f"{d}/run*/**", recursive=True))
        print(f"{RUNS} runs, {size / 1e6:.0f} MB")
        ours = timed("mtbench aggregate", program, "aggregate", *folders, "-o", f"{d}/c.h5")
        print(f"{'':36} {os.path.getsize(f'{d}/c.h5') / 1e6:7.0f} MB of file")
        timed("one run more", program, "aggregate", *glob.glob(f"{d}/more/run*"), "-o", f"{d}/c.h5")
        timed("all of them again, unchanged", program, "aggregate", *folders, "-o", f"{d}/c.h5")
        timed("mtbench show", program, "show", f"{d}/c.h5")
        if peer.returncode != 0:
            print(f"pandas is not here: {peer.stderr.strip()}")
            return
        some = folders[:max(1, RUNS // 20)]
        theirs = timed(f"pandas and h5py, {len(some)} runs", peer.stdout.strip(), os.path.abspath(__file__), f"{d}/p.h5", *some) * RUNS / len(some)
        print(f"{f'{RUNS} runs by them':36} {theirs:7.2f} s   {theirs / ours:.1f} times as long as ours")
    finally:
        shutil.rmtree(d)


if __name__ == "__main__":
    by_pandas(sys.argv[1], sys.argv[2:])
