"""transformers beside this program, on the same folder of weights, where torch and transformers are there.

  peer.py there                                0 if they can be had
  peer.py speed FOLDER [BATCH ...]             tokens per second of generate(), as FastChat calls it, greedy, 128 tokens of prompt, 64 new
  peer.py logits FOLDER OURS.jsonl             OURS: lines of `mtbench prompt --text ... --top-logits N`; the error of their logits and of
                                               transformers' bf16, each against float32, on the N tokens of each line
"""
import json
import sys
import time


def load(folder, dtype, device):
    import torch
    import transformers
    # "torch_dtype" was renamed; whoever does not know a name passes it on to the model, which refuses it
    name = "dtype" if [int(n) for n in transformers.__version__.split(".")[:2]] >= [4, 56] else "torch_dtype"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, **{name: getattr(torch, dtype)})
    assert next(model.parameters()).dtype == getattr(torch, dtype)
    return model.to(device).eval()


def the_device():
    import torch
    return "cuda" if torch.cuda.is_available() else "cpu"


def speed(folder, batches, prompt=128, new=64):
    import torch
    device = the_device()
    model = load(folder, "bfloat16", device)
    live = min(700, model.config.vocab_size)
    for batch in batches:
        ids = (torch.arange(batch * prompt, device=device).reshape(batch, prompt) * 37 + 11) % live
        for n in (4, new):                                                 # the first call warms up
            start = time.monotonic()
            with torch.inference_mode():
                out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=n, min_new_tokens=n, pad_token_id=0)
            if device == "cuda":
                torch.cuda.synchronize()
            seconds = time.monotonic() - start
        assert out.shape[1] == prompt + new
        print(f"transformers bf16 generate, batch {batch}\t{batch * new / seconds:.1f}\ttok/s, prompts of {prompt} included", flush=True)


def last_logits(model, lines, device):
    import torch
    with torch.inference_mode():
        return [model(torch.tensor([l["ids"]], device=device)).logits[0, -1].float().cpu() for l in lines]


def logits(folder, ours):
    import torch
    lines, device = [json.loads(l) for l in open(ours)], the_device()
    torch.backends.cuda.matmul.allow_tf32 = False
    exact = last_logits(load(folder, "float32", device), lines, device)
    rounded = last_logits(load(folder, "bfloat16", device), lines, device)
    error = {"ours": [], "transformers bf16": []}
    clear = agree = 0
    for line, e, r in zip(lines, exact, rounded):
        ids = torch.tensor([i for i, _ in line["top"]])
        spread = e.std()
        mine = torch.tensor([x for _, x in line["top"]])
        error["ours"].append(((mine - e[ids]) / spread).square().mean())
        error["transformers bf16"].append(((r[ids] - e[ids]) / spread).square().mean())
        best = e.topk(2).values
        if best[0] - best[1] > 4 * (mine - e[ids]).abs().max():
            clear += 1
            agree += int(ids[0]) == int(e.argmax())
    rms = {k: float(torch.stack(v).mean().sqrt()) for k, v in error.items()}
    for k, v in rms.items():
        print(f"logits, {len(lines)} prompts: root mean square error of {k} against float32\t{v:.2e}\tof their standard deviation")
    print(f"logits: the best token is float32's where that is clear\t{agree} of {clear}\tprompts")
    if not rms["ours"] <= 1.2 * rms["transformers bf16"]:
        print(f"FAILED\tlogits: error of ours {rms['ours']:.2e}, of transformers' bf16 {rms['transformers bf16']:.2e}; bound 1.2 times that")
    if agree != clear:
        print(f"FAILED\tlogits: the best token is float32's in {agree} of {clear} prompts where that is clear")
    return 0 if rms["ours"] <= 1.2 * rms["transformers bf16"] and agree == clear else 1


def main(args):
    if args[:1] == ["there"]:
        try:
            import torch, transformers                                      # noqa: F401
        except ImportError as e:
            print(e)
            return 1
        print(f"torch {torch.__version__}, transformers {transformers.__version__}, {the_device()}")
        return 0
    if len(args) >= 2 and args[0] == "speed":
        return speed(args[1], [int(b) for b in args[2:]] or [1, 8, 32, 80]) or 0
    if len(args) == 3 and args[0] == "logits":
        return logits(args[1], args[2])
    print(__doc__, file=sys.stderr)
    return 2


sys.exit(main(sys.argv[1:]))
