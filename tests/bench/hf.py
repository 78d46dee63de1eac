"""FastChat's way: Hugging Face transformers, one question at a time, both turns, on the demo model dequantised; beside mtbench on the same questions
with the same limit. BENCH_HF_N questions (4), BENCH_HF_NEW new tokens (256), BENCH_HF_DTYPE float32 or bfloat16 (both).

Run by itself with a data type it is the peer, inside the virtual environment that has torch and transformers."""
import json, os, subprocess, sys, time

N, NEW = int(os.environ.get("BENCH_HF_N", 4)), int(os.environ.get("BENCH_HF_NEW", 256))


def peer(dtype, path, questions, threads):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(threads)
    folder, file = os.path.split(path)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=getattr(torch, dtype)).eval()
    chosen = [json.loads(s) for s in open(questions)][:N]

    def ask(messages):
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
        with torch.no_grad():
            out = model.generate(**ids, do_sample=False, max_new_tokens=NEW)
        return out[0, ids["input_ids"].shape[1]:]

    ask([{"role": "user", "content": "Hi"}])
    tokens, start = 0, time.monotonic()
    for q in chosen:
        messages = []
        for turn in q["turns"]:
            messages.append({"role": "user", "content": turn})
            out = ask(messages)
            tokens += len(out)
            messages.append({"role": "assistant", "content": tokenizer.decode(out, skip_special_tokens=True)})
    seconds = time.monotonic() - start
    print(json.dumps({"tokens": tokens, "seconds": seconds, "tok_s": tokens / seconds}))


def main():
    from peer import DEMO, QUESTIONS, ROOT, THREADS, DataDir, answer, fail, line, need, ratio

    python = need(os.path.join(ROOT, "build/venv/bin/python"), "tests/bench/build_venv makes it")
    print(f"{N} questions, both turns, greedy, at most {NEW} new tokens, {THREADS} threads; floor 8x with all questions at hand")
    line(("run", -44), ("tokens", 7), ("s", 7), ("tok/s", 7), ("ratio", 7))
    best = None
    for dtype in os.environ.get("BENCH_HF_DTYPE", "float32 bfloat16").split():
        demo = need(DEMO, "data/fetch.sh brings the demo model")
        r = subprocess.run([python, __file__, dtype, demo, QUESTIONS, str(THREADS)], capture_output=True, text=True)
        if r.returncode != 0:
            fail("transformers does not run", r.stderr.strip().splitlines()[-1])
        r = json.loads(r.stdout.splitlines()[-1])
        line((f"transformers, one question at a time, {dtype}", -44), (r["tokens"], 7), (f"{r['seconds']:.1f}", 7), (f"{r['tok_s']:.1f}", 7), ("", 7))
        best = max(best or 0, r["tok_s"])
    for n in (N, 80):
        with DataDir() as data:
            r = answer(data, DEMO, "hf", ["--max-new-token", NEW, "--first-n", n])
        line((f"mtbench, {n} questions", -44), (r["tokens"], 7), (f"{r['seconds']:.1f}", 7), (f"{r['tok_s']:.1f}", 7), (ratio(r["tok_s"], best), 7))


if __name__ == "__main__":
    peer(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
