#!/usr/bin/env python3
"""random_model.py DIR [LAYERS]: a random Llama with a real tokenizer and a chat template, 2 MB of float16 weights per layer in two shards. Nonsense, but quick nonsense:
the run tests need a model that loads in several chunks and answers in milliseconds."""
import json, os, random, shutil, struct, sys

out, layers = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8
here = os.path.dirname(os.path.abspath(__file__))
dim, ff, heads, kv, head_dim, vocab = 256, 1024, 8, 4, 32, 800
rng = random.Random(1)
os.makedirs(out, exist_ok=True)


def matrix(rows, cols):
    """Float16 numbers of both signs between 1/32 and 1/16: random sign and mantissa, one exponent."""
    n = rows * cols
    bits = int.from_bytes(rng.randbytes(2 * n), "little") & int.from_bytes(b"\xff\x83" * n, "little") | int.from_bytes(b"\x00\x28" * n, "little")
    return [rows, cols], bits.to_bytes(2 * n, "little")


def ones(n):
    return [n], b"\x00\x3c" * n


def save(name, tensors):
    header, at = {}, 0
    for key, (shape, data) in tensors.items():
        header[key] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    with open(os.path.join(out, name), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            f.write(data)


shards = [{"model.embed_tokens.weight": matrix(vocab, dim), "model.norm.weight": ones(dim)}, {}]
for i in range(layers):
    p, shard = f"model.layers.{i}.", shards[2 * i // layers]
    for name, rows, cols in (("self_attn.q", heads * head_dim, dim), ("self_attn.k", kv * head_dim, dim), ("self_attn.v", kv * head_dim, dim),
                             ("self_attn.o", dim, heads * head_dim), ("mlp.gate", ff, dim), ("mlp.up", ff, dim), ("mlp.down", dim, ff)):
        shard[f"{p}{name}_proj.weight"] = matrix(rows, cols)
    shard[p + "input_layernorm.weight"] = shard[p + "post_attention_layernorm.weight"] = ones(dim)
for i, tensors in enumerate(shards):
    save(f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors", tensors)
config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": dim, "intermediate_size": ff, "num_hidden_layers": layers,
          "num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": head_dim, "vocab_size": vocab, "max_position_embeddings": 2048,
          "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 2}
template = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
json.dump(config, open(os.path.join(out, "config.json"), "w"))
json.dump({"chat_template": template, "eos_token": "<|im_end|>"}, open(os.path.join(out, "tokenizer_config.json"), "w"))
shutil.copy(os.path.join(here, "../golden/tokenizers/smollm.json"), os.path.join(out, "tokenizer.json"))
