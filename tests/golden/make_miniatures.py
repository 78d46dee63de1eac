#!/usr/bin/env python3
"""tests/golden/miniatures.json: what FastChat and transformers make of the miniatures of tests/tools/miniatures.py, for both turns of its questions: the prompt
(bytes, SHA-256) of FastChat's template for the model's name, its ids by the tokenizer that FastChat loads, for most the slow LlamaTokenizer (their number, SHA-256, the last
ones), the best logits behind it, the greedy answer as FastChat cuts and cleans it, and the tokens that were drawn for it. Each model has the first seed
whose greedy choices are all clear. Also holds torch_file.py to torch.save, whose data.pkl must have the same bytes.
make_miniatures.py [NAME ...]: only these models anew. FULL=FILE in the environment gets all ids and texts. Needs torch, transformers 4.57.3, peft, sentencepiece, and fschat 0.2.36 (without its dependencies)."""
import hashlib, json, os, shutil, subprocess, sys, tempfile, warnings, zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "../tools")
sys.path.insert(0, TOOLS)
WORK = tempfile.mkdtemp()
os.environ["HF_HOME"], os.environ["HF_HUB_CACHE"], os.environ["HF_HUB_OFFLINE"] = WORK, os.path.join(WORK, "hub"), "1"
warnings.filterwarnings("ignore")
NEW, TOP, CLEAR = 8, 6, 0.004         # tokens of an answer, logits kept, distance of the two best logits in parts of their spread


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(name, seed):
    """In a process of its own: miniatures.py's stand-ins for torch's classes must not meet torch's."""
    subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {TOOLS!r}); import miniatures; miniatures.write({WORK!r}, {name!r}, {seed})"], check=True)


def load(name):
    import torch
    from fastchat.model.model_adapter import get_model_adapter
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaTokenizer
    folder = os.path.join(WORK, name)
    with_tokenizer = folder if os.path.exists(os.path.join(folder, "tokenizer.model")) else "huggyllama/llama-30b"
    if name.startswith("decapoda"):    # a class that transformers never had: named by hand
        tokenizer = LlamaTokenizer.from_pretrained(folder)
    else:
        tokenizer = AutoTokenizer.from_pretrained(with_tokenizer, use_fast=get_model_adapter(name).use_fast_tokenizer)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    return tokenizer, model


def cut(text, conversation, tokenizer):
    """gen_model_answer.py of FastChat, from the decoded text to the answer."""
    stop = conversation.stop_str
    if isinstance(stop, list):
        found = sorted(p for p in (text.find(s) for s in stop) if p > 0)
        text = text[:found[0]] if found else text
    elif stop and text.find(stop) > 0:
        text = text[:text.find(stop)]
    for special in tokenizer.special_tokens_map.values():
        for s in special if isinstance(special, list) else [special]:
            text = text.replace(s, "")
    return text.strip()


def draw(model, ids):
    """Greedy tokens after 'ids' as generate() draws them, the logits of the first, and whether each was clear."""
    import torch
    # Without a mask generate() hides tokens of the prompt that are pad_token_id, as <unk> is for BOS in some of these.
    mask = torch.ones((1, len(ids)), dtype=torch.long)
    out = model.generate(torch.tensor([ids]), attention_mask=mask, do_sample=False, max_new_tokens=NEW, output_logits=True, return_dict_in_generate=True)
    clear = True
    for step in out.logits:
        best = step[0].topk(2).values
        clear = clear and (best[0] - best[1]) > CLEAR * (step[0].max() - step[0].min())
    return out.sequences[0][len(ids):].tolist(), out.logits[0][0].tolist(), bool(clear)


def turn(conversation, tokenizer, model):
    prompt = conversation.get_prompt()
    ids = tokenizer([prompt]).input_ids[0]
    drawn, logits, clear = draw(model, ids)
    # The slow tokenizer raises IndexError for a row that is no token, which would end FastChat; the fast one decodes it to nothing.
    text = tokenizer.decode([i for i in drawn if i < len(tokenizer)], spaces_between_special_tokens=False)
    best = sorted(range(len(logits)), key=lambda i: -logits[i])[:TOP]
    golden = {"bytes": len(prompt.encode()), "prompt": sha(prompt), "n_ids": len(ids), "ids": sha(" ".join(map(str, ids))), "last": ids[-6:],
              "top": [[i, round(logits[i], 5)] for i in best], "spread": round(max(logits) - min(logits), 3), "drawn": drawn,
              "answer": cut(text, conversation, tokenizer)}
    return golden, clear, {"prompt": prompt, "ids": ids, "text": text}


def golden(name, seed):
    import miniatures
    from fastchat.model.model_adapter import get_conversation_template
    write(name, seed)
    tokenizer, model = load(name)
    turns, full = [], []
    for question in miniatures.QUESTIONS:
        conversation = get_conversation_template(name)
        for text in question:
            conversation.append_message(conversation.roles[0], text)
            conversation.append_message(conversation.roles[1], None)
            g, clear, rest = turn(conversation, tokenizer, model)
            conversation.update_last_message(g["answer"])
            turns.append(g), full.append({**g, **rest})
            if not clear:
                return None, None
    if name.startswith("nous") and not any(i >= len(tokenizer) for t in turns for i in t["drawn"]):
        return None, None              # such a row is to be drawn
    return {"seed": seed, "template": conversation.name, "turns": turns}, full


def check_writer():
    """Values of torch.save's file and of ours are equal, and so are the bytes of their pickles."""
    import torch
    write("vicuna-7b-v1.3", 0)
    folder = os.path.join(WORK, "vicuna-7b-v1.3")
    for name in sorted(n for n in os.listdir(folder) if n.endswith(".bin")):
        path = os.path.join(folder, name)
        ours = torch.load(path, weights_only=True)
        os.makedirs(os.path.join(WORK, "torch"), exist_ok=True)
        torch.save(ours, os.path.join(WORK, "torch", name))
        theirs = torch.load(os.path.join(WORK, "torch", name), weights_only=True)
        stem = name[:-4]
        pickles = [zipfile.ZipFile(p).read(f"{stem}/data.pkl") for p in (path, os.path.join(WORK, "torch", name))]
        assert list(ours) == list(theirs) and all(torch.equal(ours[k], theirs[k]) for k in ours) and pickles[0] == pickles[1], name


def find(name):
    """The golden of the first seed that will do."""
    for seed in range(200):
        shutil.rmtree(os.path.join(WORK, "hub"), ignore_errors=True)
        g, full = golden(name, seed)
        if g:
            print(name, "seed", seed)
            return g, full
    sys.exit(f"{name}: no seed has clear choices")


def main():
    import miniatures, transformers
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    path = os.path.join(HERE, "miniatures.json")
    old = json.load(open(path)) if sys.argv[1:] else {}
    found = {name: find(name) for name in sys.argv[1:] or miniatures.MODELS}
    out = {**old, **{name: g for name, (g, _) in found.items()}}
    check_writer()
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(out[name])}" for name in miniatures.MODELS) + "\n}\n")
    if "FULL" in os.environ:
        json.dump({name: full for name, (_, full) in found.items()}, open(os.environ["FULL"], "w"))


try:
    main()
finally:
    shutil.rmtree(WORK)
