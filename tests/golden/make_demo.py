#!/usr/bin/env python3
"""What Hugging Face makes of the demo model (data/models, brought by data/fetch.sh), for tests/run/demo.c and tests/unit/tokenizer.c.

tests/golden/tokenizers/demo.ids: ids and decoded text of strings.jsonl by `tokenizers`, from the GGUF file's own vocabulary and merges.
tests/golden/demo_greedy.jsonl: for questions of data/smoke, the prompt's ids, TOKENS greedy tokens of transformers (weights dequantised, float32)
and the gap between the two best logits at each of them. Needs gguf, tokenizers, torch, transformers (4.56), accelerate."""
import hashlib, json, os, sys
import torch
from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
GOLDEN, FOLDER, FILE, TOKENS = os.path.join(ROOT, "tests/golden"), os.path.join(ROOT, "data/models"), "SmolLM2-135M-Instruct.Q4_1.gguf", 80
CONTROL = 3


def tokenizer(fields):
    tokens, kinds = fields["tokenizer.ggml.tokens"].contents(), fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    t = Tokenizer(models.BPE(vocab={s: i for i, s in enumerate(tokens)}, merges=merges))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(s, normalized=False, special=True) for s, k in zip(tokens, kinds) if k == CONTROL])
    return t


def write_ids(t):
    texts = [json.loads(x) for x in open(os.path.join(GOLDEN, "tokenizers/strings.jsonl"))]
    with open(os.path.join(GOLDEN, "tokenizers/demo.ids"), "w") as f:
        for i in range(0, len(texts), 50):
            h = hashlib.sha256()
            for s in texts[i:i + 50]:
                ids = t.encode(s).ids
                h.update((" ".join(map(str, ids)) + "\n" + t.decode(ids, skip_special_tokens=False) + "\n").encode())
            f.write(h.hexdigest() + "\n")


def write_greedy(t, template):
    wrapped = PreTrainedTokenizerFast(tokenizer_object=t, bos_token="<|im_start|>", eos_token="<|im_end|>", chat_template=template)
    model = AutoModelForCausalLM.from_pretrained(FOLDER, gguf_file=FILE, dtype=torch.float32).eval()
    with open(os.path.join(GOLDEN, "demo_greedy.jsonl"), "w") as f:
        for line in open(os.path.join(ROOT, "data/smoke/question.jsonl")):
            q = json.loads(line)
            prompt = wrapped.apply_chat_template([{"role": "user", "content": q["turns"][0]}], add_generation_prompt=True, return_dict=False)
            ids, gaps, past, step = [], [], None, torch.tensor([prompt])
            while len(ids) < TOKENS and (not ids or ids[-1] != wrapped.eos_token_id):
                with torch.no_grad():
                    out = model(step, past_key_values=past, use_cache=True)
                top = out.logits[0, -1].float().topk(2)
                ids.append(int(top.indices[0]))
                gaps.append(round(float(top.values[0] - top.values[1]), 4))
                past, step = out.past_key_values, torch.tensor([[ids[-1]]])
            f.write(json.dumps({"question_id": q["question_id"], "prompt": prompt, "ids": ids, "gap": gaps}) + "\n")
            print(q["question_id"], len(prompt), len(ids), min(gaps), wrapped.decode(ids)[:60].replace("\n", " "), file=sys.stderr)


def main():
    fields = GGUFReader(os.path.join(FOLDER, FILE)).fields
    t = tokenizer(fields)
    write_ids(t)
    write_greedy(t, fields["tokenizer.chat_template"].contents())


main()
