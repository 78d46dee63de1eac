#!/usr/bin/env python3
"""tests/golden/tiny/llama_bias: a tiny random Llama with a bias in every projection, with logits of the last position of make_tiny.py's prompt from a forward
pass in float64 that is written out here, and llama_bias-0000N-of-00002.gguf: the same weights as a split GGUF file. Needs numpy, safetensors, gguf."""
import json, os
import numpy as np, gguf
from safetensors.numpy import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny")
DIM, FF, LAYERS, HEADS, KV, HD, VOCAB, EPS = 32, 64, 1, 2, 1, 16, 96, 1e-5
PROMPT = [(i * 37 + 11) % VOCAB for i in range(40)]
SHAPES = {"self_attn.q_proj": (HEADS * HD, DIM), "self_attn.k_proj": (KV * HD, DIM), "self_attn.v_proj": (KV * HD, DIM), "self_attn.o_proj": (DIM, HEADS * HD),
          "mlp.gate_proj": (FF, DIM), "mlp.up_proj": (FF, DIM), "mlp.down_proj": (DIM, FF)}
GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
              "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
              "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def make_weights():
    rng = np.random.default_rng(7)
    draw = lambda *shape: (rng.standard_normal(shape) * 0.3).astype(np.float32)
    w = {"model.embed_tokens.weight": draw(VOCAB, DIM), "model.norm.weight": 1 + draw(DIM), "lm_head.weight": draw(VOCAB, DIM)}
    for l in range(LAYERS):
        p = f"model.layers.{l}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            w[f"{p}{norm}.weight"] = 1 + draw(DIM)
        for name, (rows, cols) in SHAPES.items():
            w[f"{p}{name}.weight"], w[f"{p}{name}.bias"] = draw(rows, cols), draw(rows)
    return w


def logits(w):
    def norm(x, name):
        return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS) * w[name + ".weight"].astype(float)

    def project(x, name):
        return x @ w[name + ".weight"].astype(float).T + w[name + ".bias"].astype(float)

    def rotate(x):
        angle = np.outer(np.arange(len(PROMPT)), 10000.0 ** (-np.arange(HD // 2) / (HD // 2)))[:, None, :]
        a, b = x[..., :HD // 2], x[..., HD // 2:]
        return np.concatenate([a * np.cos(angle) - b * np.sin(angle), b * np.cos(angle) + a * np.sin(angle)], axis=-1)

    n = len(PROMPT)
    x = w["model.embed_tokens.weight"].astype(float)[PROMPT]
    for l in range(LAYERS):
        p = f"model.layers.{l}."
        h = norm(x, p + "input_layernorm")
        q = rotate(project(h, p + "self_attn.q_proj").reshape(n, HEADS, HD))
        k = rotate(project(h, p + "self_attn.k_proj").reshape(n, KV, HD)).repeat(HEADS // KV, axis=1)
        v = project(h, p + "self_attn.v_proj").reshape(n, KV, HD).repeat(HEADS // KV, axis=1)
        score = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(HD) + np.triu(np.full((n, n), -np.inf), 1)
        share = np.exp(score - score.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        x = x + project(np.einsum("hij,jhd->ihd", share, v).reshape(n, HEADS * HD), p + "self_attn.o_proj")
        h = norm(x, p + "post_attention_layernorm")
        gate = project(h, p + "mlp.gate_proj")
        x = x + project(gate / (1 + np.exp(-gate)) * project(h, p + "mlp.up_proj"), p + "mlp.down_proj")
    return (norm(x, "model.norm") @ w["lm_head.weight"].astype(float).T)[-1]


def save_folder(w):
    out = os.path.join(HERE, "llama_bias")
    os.makedirs(out, exist_ok=True)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": DIM, "intermediate_size": FF, "num_hidden_layers": LAYERS,
              "num_attention_heads": HEADS, "num_key_value_heads": KV, "vocab_size": VOCAB, "max_position_embeddings": 256, "rms_norm_eps": EPS,
              "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False, "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2}
    json.dump(config, open(os.path.join(out, "config.json"), "w"), indent=2)
    save_file(w, os.path.join(out, "model.safetensors"), metadata={"format": "pt"})
    logits(w).astype(np.float32).tofile(os.path.join(out, "logits.bin"))


def interleave(x, heads):
    """Rows of a head from halves to pairs, as llama.cpp's rotation of the llama architecture wants them."""
    return np.ascontiguousarray(x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:]).swapaxes(1, 2).reshape(x.shape))


def save_split(w):
    names = sorted(w)
    for part in range(2):
        g = gguf.GGUFWriter(os.path.join(HERE, f"llama_bias-{part + 1:05d}-of-00002.gguf"), "llama")
        if part == 0:
            g.add_block_count(LAYERS), g.add_context_length(256), g.add_embedding_length(DIM), g.add_feed_forward_length(FF), g.add_head_count(HEADS)
            g.add_head_count_kv([KV] * LAYERS), g.add_layer_norm_rms_eps(EPS), g.add_key_length(HD), g.add_value_length(HD), g.add_rope_dimension_count(HD)
        g.add_uint16("split.no", part), g.add_uint16("split.count", 2), g.add_int32("split.tensors.count", len(names))
        for name in names[part::2]:
            base, kind = name.rsplit(".", 1)
            stem = GGUF_NAMES[base] if base in GGUF_NAMES else f"blk.{base.split('.')[2]}.{GGUF_NAMES['.'.join(base.split('.')[3:])]}"
            heads = HEADS if "q_proj" in name else KV if "k_proj" in name else 0
            g.add_tensor(f"{stem}.{kind}", interleave(w[name], heads) if heads else w[name])
        g.write_header_to_file(), g.write_kv_data_to_file(), g.write_tensors_to_file(), g.close()


weights = make_weights()
save_folder(weights)
save_split(weights)
