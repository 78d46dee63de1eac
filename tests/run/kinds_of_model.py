#!/usr/bin/env python3
"""kinds_of_model.py OUT: small random models with a real tokenizer and a chat template, one for each architecture and each type of weights that the
program reads: OUT/ARCH-TYPE/ (safetensors) and OUT/ARCH-TYPE.gguf. Prints their names. Standard library only."""
import json, os, random, shutil, struct, sys

DIM, FF, HEADS, KV, HEAD_DIM, LAYERS, CONTEXT = 256, 512, 8, 4, 32, 2, 192
HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZER = os.path.join(HERE, "../golden/tokenizers/smollm.json")
VOCAB = 800                                        # a few rows more than tokens, as published models have
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
ARCH = {"llama": "LlamaForCausalLM", "mistral": "MistralForCausalLM", "qwen2": "Qwen2ForCausalLM"}
# plain numbers between 1/32 and 1/16: bytes of one, which of its bits are drawn, the others
PLAIN = {"F32": (4, 0x807fffff, 0x3d000000), "F16": (2, 0x83ff, 0x2800), "BF16": (2, 0x807f, 0x3d00)}
# blocks: GGUF's number, weights, bytes, where its float16 scales stand; quants and small scales are drawn
BLOCK = {"Q8_0": (8, 32, 34, {0: 5e-4}), "Q4_0": (2, 32, 18, {0: 8e-3}), "Q4_1": (3, 32, 20, {0: 8e-3, 2: -6e-2}), "Q5_0": (6, 32, 22, {0: 4e-3}),
         "Q5_1": (7, 32, 24, {0: 4e-3, 2: -6e-2}), "Q4_K": (12, 256, 144, {0: 1.5e-4, 2: 1e-3}), "Q5_K": (13, 256, 176, {0: 7e-5, 2: 1e-3}),
         "Q6_K": (14, 256, 210, {208: 2e-5})}
NUMBER = {"F32": 0, "F16": 1, "BF16": 30} | {name: row[0] for name, row in BLOCK.items()}
rng = random.Random(1)


def numbers(kind, n):
    if kind in PLAIN:
        size, drawn, rest = PLAIN[kind]
        mask, fixed = (int.from_bytes(v.to_bytes(size, "little") * n, "little") for v in (drawn, rest))
        return (int.from_bytes(rng.randbytes(size * n), "little") & mask | fixed).to_bytes(size * n, "little")
    _, weights, size, scales = BLOCK[kind]
    data = bytearray(rng.randbytes(n // weights * size))
    for at in range(0, len(data), size):
        for offset, value in scales.items():
            struct.pack_into("<e", data, at + offset, value)
    return bytes(data)


def ones(n):
    return struct.pack(f"<{n}f", *[1.0] * n)


def tensors(arch, kind, gguf):
    """(name, type, shape, bytes)"""
    names = (("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "attn_norm", "ffn_norm") if gguf else
             ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
              "input_layernorm", "post_attention_layernorm"))
    q, kv = HEADS * HEAD_DIM, KV * HEAD_DIM
    shape = ((q, DIM), (kv, DIM), (kv, DIM), (DIM, q), (FF, DIM), (FF, DIM), (DIM, FF))
    yield "token_embd.weight" if gguf else "model.embed_tokens.weight", kind, (VOCAB, DIM), numbers(kind, VOCAB * DIM)
    for i in range(LAYERS):
        layer = f"blk.{i}." if gguf else f"model.layers.{i}."
        for name, (rows, cols) in zip(names, shape):
            yield f"{layer}{name}.weight", kind, (rows, cols), numbers(kind, rows * cols)
        for name, rows in zip(names[:3], (q, kv, kv)) if arch == "qwen2" else ():
            yield f"{layer}{name}.bias", "F32", (rows,), numbers("F32", rows)
        for name in names[7:]:
            yield f"{layer}{name}.weight", "F32", (DIM,), ones(DIM)
    yield "output_norm.weight" if gguf else "model.norm.weight", "F32", (DIM,), ones(DIM)
    yield "output.weight" if gguf else "lm_head.weight", kind, (VOCAB, DIM), numbers(kind, VOCAB * DIM)


def folder(out, arch, kind):
    os.makedirs(out)
    header, data = {}, b""
    for name, t, shape, piece in tensors(arch, kind, False):
        header[name] = {"dtype": t, "shape": shape, "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    text = json.dumps(header).encode()
    with open(os.path.join(out, "model.safetensors"), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    config = {"architectures": [ARCH[arch]], "model_type": arch, "hidden_size": DIM, "intermediate_size": FF, "num_hidden_layers": LAYERS,
              "num_attention_heads": HEADS, "num_key_value_heads": KV, "head_dim": HEAD_DIM, "vocab_size": VOCAB, "max_position_embeddings": CONTEXT,
              "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 2}
    if arch == "mistral":
        config["sliding_window"] = 24              # narrower than the prompts
    for name, value in {"config.json": config, "tokenizer_config.json": {"chat_template": TEMPLATE, "eos_token": "<|im_end|>"}}.items():
        with open(os.path.join(out, name), "w") as f:
            json.dump(value, f)
    shutil.copy(TOKENIZER, os.path.join(out, "tokenizer.json"))


def string(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def value(v):
    """Type and bytes of a key's value."""
    if isinstance(v, list):
        items = [value(x) for x in v]
        return 9, struct.pack("<IQ", items[0][0], len(items)) + b"".join(data for _, data in items)
    return (8, string(v)) if isinstance(v, str) else (6, struct.pack("<f", v)) if isinstance(v, float) else (5, struct.pack("<i", v))


def gguf(path, arch, kind):
    with open(TOKENIZER) as f:
        t = json.load(f)
    token = sorted(t["model"]["vocab"], key=t["model"]["vocab"].get)
    special = {a["content"] for a in t["added_tokens"]}
    token += [f"[PAD{i}]" for i in range(len(token), VOCAB)]
    key = {"general.architecture": arch, f"{arch}.block_count": LAYERS, f"{arch}.embedding_length": DIM, f"{arch}.feed_forward_length": FF,
           f"{arch}.attention.head_count": HEADS, f"{arch}.attention.head_count_kv": KV, f"{arch}.attention.key_length": HEAD_DIM,
           f"{arch}.attention.value_length": HEAD_DIM, f"{arch}.rope.dimension_count": HEAD_DIM, f"{arch}.context_length": CONTEXT,
           f"{arch}.attention.layer_norm_rms_epsilon": 1e-5, "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": token,
           "tokenizer.ggml.token_type": [3 if x in special else 5 if x.startswith("[PAD") else 1 for x in token],
           "tokenizer.ggml.merges": [" ".join(m) for m in t["model"]["merges"]], "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 2,
           "tokenizer.chat_template": TEMPLATE}
    head, data, n = b"", b"", 0
    for name, v in key.items():
        kind_of, piece = value(v)
        head += string(name) + struct.pack("<I", kind_of) + piece
    for name, type_, shape, piece in tensors(arch, kind, True):
        head += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), NUMBER[type_], len(data))
        data += piece + bytes(-len(piece) % 32)
        n += 1
    head = struct.pack("<4sIQQ", b"GGUF", 3, n, len(key)) + head
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % 32) + data)


def main(out):
    for arch, kind in [("llama", kind) for kind in PLAIN] + [("mistral", "F16"), ("qwen2", "BF16")]:
        folder(os.path.join(out, f"{arch}-{kind}"), arch, kind)
        print(f"{arch}-{kind}")
    for arch, kind in [("llama", kind) for kind in NUMBER] + [("qwen2", "Q4_K")]:
        gguf(os.path.join(out, f"{arch}-{kind}.gguf"), arch, kind)
        print(f"{arch}-{kind}.gguf")


if __name__ == "__main__":
    main(sys.argv[1])
