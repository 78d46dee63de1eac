#!/usr/bin/env python3
"""miniatures.py OUT [NAME ...]: miniatures of models of the 2023 board in OUT/NAME, each with the files, keys and oddities of the published one: shards of
PyTorch weights, rotary tables, SentencePiece models with the side files of their day, more or fewer rows than tokens, an adapter whose base lies in the
hub cache OUT/hub. The vocabulary is that of tests/golden/tokenizers/spm.model, whose 900 pieces stand for Llama's 32000; numbers are counted from a seed
that tests/golden/miniatures.json knows. Standard library only. Also OUT/board/question.jsonl."""
import hashlib, json, os, random, shutil, struct, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch_file

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden")
PIECES = 900
QUESTIONS = [
    ["A train leaves at 9:05 and needs 45 minutes. When does it arrive?", "And what if it stops twice,  three minutes each?"],
    [" Sort these words:\n\n- pear\n- Äpfel\n-\tfig \U0001f34e ", "Write <s>struck</s> text; then [PAD] or </s> at the end </s>"],
]
NO_LIMIT = 1000000000000000019884624838656         # int(1e30), as old transformers wrote it


# ---- numbers ----

def patterns(kind, values):
    """Tables that spread bytes to the numbers values[byte], one a byte of the number."""
    packed = [struct.pack("<f", v)[2:] if kind == "BF16" else struct.pack("<e" if kind == "F16" else "<f", v) for v in values]
    return [bytes(p[i] for p in packed) for i in range(len(packed[0]))]


def numbers(kind, n, seed, values):
    """n numbers as bytes; all are exact in every kind."""
    raw, tables = random.Random(seed).randbytes(n), patterns(kind, values)
    out = bytearray(n * len(tables))
    for i, t in enumerate(tables):
        out[i::len(tables)] = raw.translate(t)
    return bytes(out)


MATRIX = [(i - 128) / 256 for i in range(256)]
SMALL = [x / 32 for x in MATRIX]
GAIN = [1 + (i % 64 - 32) / 128 for i in range(256)]


class Weights:
    """Tensors of one model as torch_file.py takes them."""
    def __init__(self, model):
        self.m, self.kind, self.seed = model, model["kind"], f"{model['name']} {model['seed']} "

    def matrix(self, name, rows, cols, kind=None, values=MATRIX):
        kind = kind or self.kind
        return name, kind, (rows, cols), numbers(kind, rows * cols, self.seed + name, values)

    def gain(self, name):
        return name, self.kind, (self.m["dim"],), numbers(self.kind, self.m["dim"], self.seed + name, GAIN)

    def projections(self):
        dim, ff = self.m["dim"], self.m["ff"]
        return [("self_attn.q_proj", dim, dim), ("self_attn.k_proj", dim, dim), ("self_attn.v_proj", dim, dim), ("self_attn.o_proj", dim, dim),
                ("mlp.gate_proj", ff, dim), ("mlp.down_proj", dim, ff), ("mlp.up_proj", ff, dim)]

    def layer(self, i):
        p, half = f"model.layers.{i}.", self.m["dim"] // self.m["heads"] // 2
        rows = [self.matrix(f"{p}{name}.weight", r, c) for name, r, c in self.projections()]
        if self.m["rotary"]:
            table = struct.pack(f"<{half}f", *(10000.0 ** (-k / half) for k in range(half)))
            rows.insert(4, (f"{p}self_attn.rotary_emb.inv_freq", "F32", (half,), table))
        return rows + [self.gain(f"{p}input_layernorm.weight"), self.gain(f"{p}post_attention_layernorm.weight")]

    def all(self):
        rows, dim = self.m["rows"], self.m["dim"]
        layers = [t for i in range(self.m["layers"]) for t in self.layer(i)]
        return [self.matrix("model.embed_tokens.weight", rows, dim)] + layers + [self.gain("model.norm.weight"), self.matrix("lm_head.weight", rows, dim)]

    def adapter(self, rank):
        rows = []
        for i in range(self.m["layers"]):
            for name, r, c in self.projections():
                p = f"base_model.model.model.layers.{i}.{name}"
                rows += [self.matrix(f"{p}.lora_A.weight", rank, c, "F32"), self.matrix(f"{p}.lora_B.weight", r, rank, "F32", SMALL)]
        return rows


# ---- files ----

def put(folder, **texts):
    """put(folder, config_json={...}): a value becomes JSON, and the last underscore of a name a dot."""
    os.makedirs(folder, exist_ok=True)
    for name, value in texts.items():
        if value is not None:
            with open(os.path.join(folder, ".".join(name.rsplit("_", 1))), "w") as f:
                json.dump(value, f, indent=2)


def put_safetensors(path, tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, kind, shape, data in tensors:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(t[3] for t in tensors))


def put_weights(folder, tensors, shards, stem="pytorch_model", ext="bin"):
    """Shards of about equal numbers of tensors, and their index."""
    save, where = torch_file.save if ext == "bin" else put_safetensors, {}
    for i in range(shards):
        part = tensors[len(tensors) * i // shards:len(tensors) * (i + 1) // shards]
        name = f"{stem}.{ext}" if shards == 1 else f"{stem}-{i + 1:05d}-of-{shards:05d}.{ext}"
        save(os.path.join(folder, name), part)
        where.update({t[0]: name for t in part})
    if shards > 1:
        with open(os.path.join(folder, f"{stem}.{ext}.index.json"), "w") as f:
            json.dump({"metadata": {"total_size": sum(len(t[3]) for t in tensors)}, "weight_map": where}, f, indent=2)


# ---- tokenizer.json ----

def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """The fields of a protocol buffer: their numbers, and bytes or numbers."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            n, at = varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
            value, at = data[at:at + n], at + n
        yield key >> 3, value


def merges(scores):
    """All cuts of a piece in two pieces, by falling score: what transformers' converter takes a SentencePiece model apart to."""
    ids, found = {p: i for i, p in enumerate(scores)}, []
    for piece, score in scores.items():
        cuts = [(piece[:k], piece[k:], score) for k in range(1, len(piece)) if piece[:k] in ids and piece[k:] in ids]
        found += sorted(cuts, key=lambda c: (ids[c[0]], ids[c[1]]))
    return [f"{a} {b}" for a, b, _ in sorted(found, key=lambda c: (c[2], len(c[0]), len(c[1])), reverse=True)]


def fast_tokenizer():
    """tokenizer.json of a Llama with this vocabulary."""
    with open(os.path.join(GOLDEN, "tokenizers/spm.model"), "rb") as f:
        pieces = [dict(fields(value)) for number, value in fields(f.read()) if number == 1]
    with open(os.path.join(GOLDEN, "tokenizers/llama2.json")) as f:
        out = json.load(f)
    scores = {p[1].decode(): struct.unpack("<f", p[2])[0] for p in pieces}
    out["model"].update(vocab={p: i for i, p in enumerate(scores)}, merges=merges(scores))
    return out


# ---- what the repositories say ----

def token(text, **more):
    return {"content": text, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **more}


def saved(text):
    """A token of tokenizer_config.json, as transformers 4.28 saved it."""
    return token(text, __type="AddedToken")


LLAMA = dict(add_bos_token=True, add_eos_token=False, bos_token=saved("<s>"), clean_up_tokenization_spaces=False, eos_token=saved("</s>"), model_max_length=2048,
             pad_token=None, padding_side="right", sp_model_kwargs={}, tokenizer_class="LlamaTokenizer", unk_token=saved("<unk>"))
EMPTY = dict(bos_token="", eos_token="", model_max_length=NO_LIMIT, tokenizer_class="LlamaTokenizer", unk_token="")
TOKENS = dict(bos_token=token("<s>"), eos_token=token("</s>"), unk_token=token("<unk>"))
OASST = ["<|prompter|>", "<|system|>", "<|prefix_begin|>", "<|prefix_end|>", "<|assistant|>"]
DEFAULT = dict(dim=32, heads=2, ff=64, layers=2, rows=PIECES, kind="F16", rotary=True, shards=2, config={}, generation=True, tokenizer=LLAMA, tokens=TOKENS, added=None)
MODELS = {
    "vicuna-7b-v1.3": dict(config=dict(pad_token_id=0), tokens=dict(TOKENS, pad_token="<unk>")),
    # trained by Stanford's script on an early conversion: every role is </s>, one row for [PAD]
    "alpaca-13b": dict(kind="F32", rows=PIECES + 1, shards=3, generation=False, config=dict(pad_token_id=-1, bos_token_id=0, eos_token_id=1, max_sequence_length=2048),
                       tokenizer=dict(EMPTY, model_max_length=512, padding_side="right", special_tokens_map_file="special_tokens_map.json"),
                       tokens=dict(bos_token="</s>", eos_token="</s>", pad_token="[PAD]", unk_token="</s>"), added={"[PAD]": PIECES}),
    "nous-hermes-13b": dict(kind="BF16", rows=PIECES + 32, shards=3, config=dict(pad_token_id=0, torch_dtype="bfloat16"), tokenizer=dict(LLAMA, use_fast=True),
                            tokens=dict(bos_token="<s>", eos_token="</s>", pad_token="[PAD]", unk_token="<unk>"), added={"[PAD]": PIECES}),
    "WizardLM-13B-V1.2": dict(config=dict(pad_token_id=0, use_cache=False), tokenizer=dict(LLAMA, legacy=False, pad_token="<pad>"),
                              tokens=dict(TOKENS, pad_token="<pad>"), added={"<pad>": PIECES}),
    "oasst-sft-7-llama-30b": dict(rows=PIECES + 16, shards=3, dim=48, heads=3, added={t: PIECES + i for i, t in enumerate(sorted(OASST, reverse=True))},
                                  tokenizer=dict(LLAMA, model_max_length=NO_LIMIT, special_tokens_map_file="special_tokens_map.json"),
                                  tokens=dict(additional_special_tokens=OASST, bos_token=token("<s>"), eos_token="</s>", pad_token="</s>", sep_token="<s>",
                                              unk_token=token("<unk>"))),
    "baize-v2-13b": dict(shards=3, rotary=False, config=dict(pad_token_id=0), tokenizer=EMPTY, tokens={}),
    "llama-13b": dict(both=True, fast=True, rotary=False, config=dict(pad_token_id=0, max_sequence_length=2048)),
    # the conversion that many early models started from, made before transformers had these classes
    "decapoda-7b": dict(shards=5, generation=False, config=dict(architectures=["LLaMAForCausalLM"], pad_token_id=-1, bos_token_id=0, eos_token_id=1, max_sequence_length=2048,
                                                                max_position_embeddings=None, tie_word_embeddings=None),
                        tokenizer=dict(EMPTY, tokenizer_class="LLaMATokenizer"), tokens={}),
    "guanaco-33b": dict(base="huggyllama/llama-30b", rank=4, both=True, rotary=False, dim=48, heads=3, config=dict(pad_token_id=0, max_sequence_length=2048)),
}


def model(name, seed):
    return {**DEFAULT, **MODELS[name], "name": name, "seed": seed}


def config(m):
    c = dict(architectures=["LlamaForCausalLM"], bos_token_id=1, eos_token_id=2, hidden_act="silu", hidden_size=m["dim"], initializer_range=0.02,
             intermediate_size=m["ff"], max_position_embeddings=2048, model_type="llama", num_attention_heads=m["heads"], num_hidden_layers=m["layers"],
             rms_norm_eps=1e-06, tie_word_embeddings=False, torch_dtype="float32" if m["kind"] == "F32" else "float16", transformers_version="4.28.1",
             use_cache=True, vocab_size=m["rows"])
    return {k: v for k, v in {**c, **m["config"]}.items() if v is not None}


def write_folder(folder, m):
    c = config(m)
    generation = dict(_from_model_config=True, bos_token_id=1, eos_token_id=2, pad_token_id=0, transformers_version="4.28.1") if m["generation"] else None
    put(folder, config_json=c, generation_config_json=generation, tokenizer_config_json=m["tokenizer"], special_tokens_map_json=m["tokens"], added_tokens_json=m["added"],
        tokenizer_json=fast_tokenizer() if m.get("fast") else None)
    shutil.copy(os.path.join(GOLDEN, "tokenizers/spm.model"), os.path.join(folder, "tokenizer.model"))
    tensors = Weights(m).all()
    put_weights(folder, tensors, m["shards"])
    if m.get("both"):
        put_weights(folder, tensors, m["shards"], "model", "safetensors")


def write_cached(hub, repository, m):
    """The layout of a hub cache: blobs by their sums, a snapshot of links to them, and the branch that names it."""
    folder = os.path.join(hub, "models--" + repository.replace("/", "--"))
    commit, plain = hashlib.sha1(repository.encode()).hexdigest(), os.path.join(folder, "plain")
    snapshot, blobs = os.path.join(folder, "snapshots", commit), os.path.join(folder, "blobs")
    write_folder(plain, m)
    for d in (snapshot, blobs, os.path.join(folder, "refs")):
        os.makedirs(d, exist_ok=True)
    for name in os.listdir(plain):
        with open(os.path.join(plain, name), "rb") as f:
            blob = hashlib.sha256(f.read()).hexdigest()
        os.replace(os.path.join(plain, name), os.path.join(blobs, blob))
        os.symlink(os.path.join("../../blobs", blob), os.path.join(snapshot, name))
    os.rmdir(plain)
    with open(os.path.join(folder, "refs/main"), "w") as f:
        f.write(commit)


def write_adapter(folder, m):
    put(folder, adapter_config_json=dict(base_model_name_or_path=m["base"], bias="none", fan_in_fan_out=False, inference_mode=True, init_lora_weights=True,
                                         lora_alpha=16.0, lora_dropout=0.05, modules_to_save=None, peft_type="LORA", r=m["rank"], task_type="CAUSAL_LM",
                                         target_modules=["down_proj", "v_proj", "up_proj", "q_proj", "k_proj", "o_proj", "gate_proj"]))
    torch_file.save(os.path.join(folder, "adapter_model.bin"), Weights(m).adapter(m["rank"]))


def write(out, name, seed):
    m, folder = model(name, seed), os.path.join(out, name)
    if "base" in m:
        write_cached(os.path.join(out, "hub"), m["base"], m)
        write_adapter(folder, m)
    else:
        write_folder(folder, m)


def main(out, *names):
    with open(os.path.join(GOLDEN, "miniatures.json")) as f:
        golden = json.load(f)
    for name in names or MODELS:
        write(out, name, golden[name]["seed"])
    os.makedirs(os.path.join(out, "board"), exist_ok=True)
    with open(os.path.join(out, "board/question.jsonl"), "w") as f:
        for i, turns in enumerate(QUESTIONS):
            f.write(json.dumps({"question_id": i + 1, "category": "math", "turns": turns}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
