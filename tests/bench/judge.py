"""1,000 judgments (125 questions, two turns, four models) by a judge that answers after 200 ms, 256 calls in flight, beside FastChat's gen_judgment
--parallel 256. The ideal is four waves of 200 ms. "judging" is the server's clock from the first judgment asked for to the last reply, so without starting the
program, reading, the first call that looks whether the judge is there, and writing; "whole" is the process. The server is a process of its own; how many
calls a second it answers without the 200 ms stands below the table. BENCH_PARALLEL (256) is another number in flight."""
import asyncio, json, math, os, shutil, subprocess, sys, time, urllib.request

DELAY, MATCHES, MODELS = 0.2, 1000, ["model-a", "model-b", "model-c", "model-d"]
REPLY = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "judge", "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant",
                    "content": "The answer is clear and complete, with a small mistake at its end. " * 8 + "Rating: [[7]]"}}], "usage": {"prompt_tokens": 500, "completion_tokens": 120, "total_tokens": 620}})
ANSWER = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(REPLY)}\r\n\r\n{REPLY}".encode()


# ---- the server ----

class Judge(asyncio.Protocol):
    """Reads no more of a request than it must."""
    first = last = 0.0
    calls = flying = peak = 0
    delay = DELAY

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].lower()
            at = head.find(b"content-length:")
            size = int(head[at + 15:].split(b"\r\n")[0]) if at >= 0 else 0
            if len(self.buffer) < end + 4 + size:
                return
            self.buffer = self.buffer[end + 4 + size:]
            if head.startswith(b"get"):
                self.tell(head)
            else:
                self.ask(size > 300)

    def ask(self, counts):
        if counts:
            Judge.first = Judge.first or time.monotonic()
            Judge.calls += 1
            Judge.flying += 1
            Judge.peak = max(Judge.peak, Judge.flying)
        if Judge.delay:
            asyncio.get_running_loop().call_later(Judge.delay, self.answer, counts)
        else:
            self.answer(counts)

    def answer(self, counts):
        if not self.transport.is_closing():
            self.transport.write(ANSWER)
        Judge.last = time.monotonic()
        Judge.flying -= counts

    def tell(self, head):
        """The figures since the last time; /0 sets the delay to nothing, /1 back."""
        text = json.dumps({"seconds": Judge.last - Judge.first, "calls": Judge.calls, "peak": Judge.peak, "cpu": time.process_time()})
        Judge.first = Judge.calls = Judge.peak = 0
        Judge.delay = 0 if head.startswith(b"get /0") else DELAY
        self.transport.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n{text}".encode())
        self.transport.close()


async def serve():
    server = await asyncio.get_running_loop().create_server(Judge, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# ---- the two sides ----

def data(at, root):
    shutil.rmtree(at, ignore_errors=True)
    os.makedirs(f"{at}/data/mt_bench/model_answer")
    os.makedirs(f"{at}/data/mt_bench/reference_answer")
    shutil.copy(os.path.join(root, "data/smoke/judge_prompts.jsonl"), f"{at}/data/")
    shutil.copy(os.path.join(root, "data/smoke/reference_answer/smoke.jsonl"), f"{at}/data/mt_bench/reference_answer/gpt-4.jsonl")
    questions = range(1, MATCHES // len(MODELS) // 2 + 1)
    with open(f"{at}/data/mt_bench/question.jsonl", "w") as f:
        for q in questions:
            f.write(json.dumps({"question_id": q, "category": "writing", "turns": [f"Question {q}: " + "tell more of it " * 12, "And then?"]}) + "\n")
    for m in MODELS:
        with open(f"{at}/data/mt_bench/model_answer/{m}.jsonl", "w") as f:
            for q in questions:
                f.write(json.dumps({"question_id": q, "answer_id": "x", "model_id": m, "choices": [{"index": 0, "turns": [f"{m} says about {q}: " + "words of an answer " * 60] * 2}], "tstamp": 1.0}) + "\n")


def figures(url, path="/"):
    return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url + path))


def judge_once(args, at, url, ours):
    """Wall seconds, CPU seconds, peak MB of the process, and what the server saw."""
    from peer import fail
    shutil.rmtree(f"{at}/data/mt_bench/model_judgment", ignore_errors=True)
    figures(url)
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {"OPENAI_API_BASE": url + "/v1", "OPENAI_API_KEY": "sk-none-of-yours"}
    start = time.monotonic()
    with subprocess.Popen(args, cwd=at, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
        said = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    wall, seen = time.monotonic() - start, figures(url)
    with open(f"{at}/data/mt_bench/model_judgment/gpt-4_single.jsonl") as f:
        rows = sum(1 for _ in f)
    if p.returncode or rows != MATCHES or seen["calls"] != MATCHES:
        fail(f"{'mtbench' if ours else 'FastChat'} made {rows} judgments with {seen['calls']} calls", said.strip()[-200:] or "run it by hand")
    return seen["seconds"], wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, seen["peak"]


def row(name, best, ideal):
    from peer import line
    judging, wall, cpu, mb, peak = best
    line((name, -28), (f"{judging:.2f}", 9), (f"{100 * ideal / judging:.0f}", 8), (f"{wall:.2f}", 8), (f"{100 * ideal / wall:.0f}", 8), (f"{cpu:.2f}", 8), (f"{cpu / wall:.2f}", 7), (f"{mb:.0f}", 6), (f"{peak}", 6))


def main():
    from peer import MTBENCH, ROOT, ROUNDS, WORK, fail, line
    parallel = int(os.environ.get("BENCH_PARALLEL", 256))
    venv = subprocess.run([os.path.join(ROOT, "tests/peers/venv"), "judge"], capture_output=True, text=True)
    if venv.returncode != 0:
        fail(venv.stderr.strip(), "give this machine a way to PyPI, or leave judge out of BENCH_PARTS")
    at, ideal = os.path.join(WORK, "judge"), math.ceil(MATCHES / parallel) * DELAY
    data(at, ROOT)
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            ours = [MTBENCH, "judge", "--parallel", str(parallel), "--judge-provider", "openai", "--judge-base-url", url, "--progress", "none"]
            theirs = [venv.stdout.strip(), os.path.join(ROOT, "tests/peers/fastchat_judge.py"), "call", "-", "single", str(parallel), "gpt-3.5-turbo", *MODELS]
            line((f"{MATCHES} matches, {parallel} in flight", -28), ("judging", 9), ("% ideal", 8), ("whole", 8), ("% ideal", 8), ("CPU s", 8), ("cores", 7), ("MB", 6), ("peak", 6))
            row("FastChat", min(judge_once(theirs, at, url, False) for _ in range(min(ROUNDS, 2))), ideal)
            row("mtbench judge", min(judge_once(ours, at, url, True) for _ in range(ROUNDS)), ideal)
            figures(url, "/0")
            env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()} | {"OPENAI_API_KEY": "sk-none-of-yours"}
            shutil.rmtree(f"{at}/data/mt_bench/model_judgment")
            subprocess.run(ours, cwd=at, env=env, stdout=subprocess.DEVNULL, check=True)
            seen = figures(url)
            print(f"   without its 200 ms the server answers {seen['calls'] / seen['seconds']:.0f} calls a second; {parallel} in flight need {parallel / DELAY:.0f}")
        finally:
            server.kill()


if __name__ == "__main__":
    asyncio.run(serve())
