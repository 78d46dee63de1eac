"""What the parts of the benchmark share: where things are, how a peer runs, how a table looks."""
import json, os, re, resource, shutil, subprocess, sys, tempfile, traceback

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
DEMO = os.path.join(ROOT, "data/models/SmolLM2-135M-Instruct.Q4_1.gguf")
QUESTIONS = os.path.join(ROOT, "data/mt_bench/question.jsonl")
MTBENCH = os.path.join(ROOT, "mtbench")
BENCHES = os.path.join(ROOT, "build/release/tests/bench")
LLAMA = os.path.join(ROOT, "build/llama")
WORK = os.path.join(ROOT, "build/bench")
THREADS = len(os.sched_getaffinity(0))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
HAS_AVX512 = " avx512bw " in open("/proc/cpuinfo").read()
# The peer's build, and what holds mtbench to the same instruction set.
ISAS = [i for i in os.environ.get("BENCH_ISA", "native avx2" if HAS_AVX512 else "native").split()]
WEIGHTS = os.environ.get("BENCH_WEIGHTS", "BF16 Q8_0 Q4_1").split()


def fail(what, todo):
    sys.exit(f"bench: {what}; {todo}")


def need(path, todo):
    if not os.path.exists(path):
        fail(f"{os.path.relpath(path, ROOT)} is missing", todo)
    return path


def env_of(isa):
    e = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    if isa != "native":
        e["MTBENCH_ISA"] = isa
    return e


def run(args, isa="native"):
    """stdout and stderr of a program that must succeed."""
    r = subprocess.run(args, env=env_of(isa), capture_output=True, text=True)
    if r.returncode != 0:
        fail(f"{' '.join(args[:6])} ... ended with {r.returncode}", r.stderr.strip().splitlines()[-1] if r.stderr.strip() else "no message")
    return r.stdout, r.stderr


def tool(name, isa):
    return need(os.path.join(LLAMA, isa, name), "tests/bench/build_llama builds it")


def model(weights):
    """The demo model with these weights, made from its own ones where they differ (quality does not matter here)."""
    need(DEMO, "data/fetch.sh brings the demo model")
    if weights == "Q4_1":
        return DEMO
    path = os.path.join(WORK, f"SmolLM2-135M-Instruct.{weights}.gguf")
    if not os.path.exists(path):
        os.makedirs(WORK, exist_ok=True)
        run([tool("llama-quantize", "native"), "--allow-requantize", DEMO, path + ".new", weights])
        os.rename(path + ".new", path)
    return path


class DataDir:
    """A data folder of its own, so that a benchmark leaves no answers behind; removed at the end."""

    def __init__(self):
        self.dir = tempfile.mkdtemp()
        os.makedirs(os.path.join(self.dir, "mt_bench"))
        shutil.copy(need(QUESTIONS, "data/fetch.sh brings the questions"), os.path.join(self.dir, "mt_bench"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir)

    def journal(self, model_id):
        with open(os.path.join(self.dir, "mt_bench/model_answer", model_id + ".journal")) as f:
            return [r for r in map(json.loads, f) if "turn" in r]


def answer(data, path, model_id, flags=(), ranks=1, isa="native"):
    """`mtbench answer`, greedy, on the official questions: turns, tokens, tok/s, seconds of its summary line, and its log."""
    out, log = run(["mpirun", "--oversubscribe", "-n", str(ranks), MTBENCH, "answer", "--model-path", path, "--model-id", model_id,
                    "--data-dir", data.dir, "--temperature", "0", "--fresh", "--progress", "none", "--verbose", *map(str, flags)], isa)
    m = re.search(r"answers +(\d+)/\d+ turns.* (\d+) tokens +([\d.]+) tok/s +([\d.]+) s", out)
    return {"turns": int(m[1]), "tokens": int(m[2]), "tok_s": float(m[3]), "seconds": float(m[4]), "log": log}


def peak_mb():
    """Of the largest process that has ended below this one."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def in_child(work):
    """work() in a process of its own, so that peak_mb() in it counts only its own children; what it returns must go through JSON."""
    r, w = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.write(w, json.dumps(work()).encode())
            os._exit(0)
        except SystemExit as e:
            print(e, file=sys.stderr, flush=True)
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(w)
    with os.fdopen(r) as f:
        text = f.read()
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit(1)
    return json.loads(text)


def line(*cells):
    """One row of a table: (text, width) pairs; a negative width is left-aligned."""
    print("  ".join(f"{str(t):<{-w}}" if w < 0 else f"{str(t):>{w}}" for t, w in cells), flush=True)


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}x" if theirs else "-"
