#!/usr/bin/env python3
"""tests/golden/tiny/NAME/: tiny random models of every architecture row with the fp32 logits that Hugging Face transformers gives at the last
position of a fixed prompt (logits.bin), and NAME.gguf beside some: the same weights as llama.cpp's converter lays them out.
make_tiny.py [NAME ...] makes those only. Needs the packages torch, transformers, safetensors and gguf."""
import json, os, shutil, sys
import numpy as np, torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny")
BASE = dict(vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=256,
            rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2)
MODELS = {
    "llama": (LlamaForCausalLM, LlamaConfig, dict(num_key_value_heads=2), torch.float32),
    "llama_gqa_tied": (LlamaForCausalLM, LlamaConfig, dict(num_attention_heads=4, head_dim=16, tie_word_embeddings=True), torch.bfloat16),
    "llama3_scaling": (LlamaForCausalLM, LlamaConfig, dict(rope_theta=10000.0, rope_scaling=dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)), torch.float16),
    "llama_linear": (LlamaForCausalLM, LlamaConfig, dict(rope_theta=10000.0, rope_scaling=dict(rope_type="linear", factor=2.0)), torch.float32),
    "mistral_window": (MistralForCausalLM, MistralConfig, dict(sliding_window=8, head_dim=16), torch.float32),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, dict(), torch.float32),
    "qwen2_yarn": (Qwen2ForCausalLM, Qwen2Config, dict(rope_theta=10000.0, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)), torch.bfloat16),
    # Llama 1 and Vicuna: a config.json from before grouped queries, see OLD.
    "llama_old": (LlamaForCausalLM, LlamaConfig, dict(num_key_value_heads=2, rms_norm_eps=1e-6), torch.float16),
    # Heads that are no power of two, so one virtual shard; tied: SmolLM's shape. TinyLlama's is llama3_scaling's without scaling.
    "smollm": (LlamaForCausalLM, LlamaConfig, dict(hidden_size=48, num_attention_heads=3, num_hidden_layers=1, intermediate_size=96, rope_theta=1e5, tie_word_embeddings=True), torch.bfloat16),
    # Eight virtual shards.
    "llama_shards": (LlamaForCausalLM, LlamaConfig, dict(hidden_size=16, num_attention_heads=16, num_key_value_heads=4, head_dim=16, intermediate_size=256, num_hidden_layers=1), torch.bfloat16),
    # Nemo: heads wider than hidden size / heads, no window.
    "mistral_nemo": (MistralForCausalLM, MistralConfig, dict(head_dim=32, sliding_window=None, rope_theta=1e6, num_hidden_layers=1), torch.bfloat16),
    # A window in the second layer only.
    "qwen2_window": (Qwen2ForCausalLM, Qwen2Config, dict(use_sliding_window=True, sliding_window=8, max_window_layers=1, tie_word_embeddings=True), torch.bfloat16),
}
# Keys that old files lack, and their old spelling of others.
OLD = {"llama_old": (["num_key_value_heads", "head_dim", "rope_theta", "rope_scaling", "attention_bias", "mlp_bias", "layer_types", "pretraining_tp"], {"max_sequence_length": 256})}
TWINS = ["llama_gqa_tied", "llama3_scaling", "qwen2_yarn"]


def make(name):
    cls, config, extra, dtype = MODELS[name]
    torch.manual_seed(len(name))
    m = cls(config(**{**BASE, **extra}, attn_implementation="eager")).eval()
    with torch.no_grad():
        for p in m.parameters():
            p.copy_((torch.randn_like(p) * 0.3 + (1.0 if p.dim() == 1 else 0.0)).to(dtype).float())
        logits = m(torch.tensor([[(i * 37 + 11) % 96 for i in range(40)]])).logits[0, -1].float().numpy()
    out = os.path.join(HERE, name)
    shutil.rmtree(out, ignore_errors=True)
    m.to(dtype).save_pretrained(out, max_shard_size="20KB" if name == "llama" else "5GB")
    logits.astype(np.float32).tofile(os.path.join(out, "logits.bin"))
    drop, add = OLD.get(name, ([], {}))
    path = os.path.join(out, "config.json")
    c = {k: v for k, v in json.load(open(path)).items() if k not in drop}
    json.dump({**c, **add}, open(path, "w"), indent=2)


GGUF_NAMES = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
GGUF_TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def gguf_name(name):
    if name in GGUF_TOP:
        return GGUF_TOP[name]
    _, _, layer, *rest = name.split(".")
    return f"blk.{layer}.{GGUF_NAMES['.'.join(rest[:-1])]}.{rest[-1]}"


def interleave(w, heads):
    """Rows of a head from halves to pairs, as llama.cpp's rotation of the llama architecture wants them."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).transpose(1, 2).reshape(w.shape)


def llama3_factors(rope, head_dim):
    """rope_freqs.weight: what each frequency is divided by."""
    f = 1.0 / (rope["rope_theta"] ** (torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim))
    wave, old = 2 * np.pi / f, rope["original_max_position_embeddings"]
    smooth = (old / wave - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
    between = 1 / ((1 - smooth) / rope["factor"] + smooth)
    return torch.where(wave < old / rope["high_freq_factor"], torch.ones_like(f), torch.where(wave > old / rope["low_freq_factor"], torch.full_like(f, rope["factor"]), between))


def make_twin(name):
    import gguf
    from safetensors.torch import load_file
    folder = os.path.join(HERE, name)
    c, weights = json.load(open(os.path.join(folder, "config.json"))), load_file(os.path.join(folder, "model.safetensors"))
    arch, rope = c["model_type"], c.get("rope_parameters") or c.get("rope_scaling") or {}
    head_dim, heads, kv = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"], c["num_attention_heads"], c["num_key_value_heads"]
    w = gguf.GGUFWriter(os.path.join(HERE, name + ".gguf"), arch)
    w.add_block_count(c["num_hidden_layers"]), w.add_context_length(c["max_position_embeddings"]), w.add_embedding_length(c["hidden_size"])
    w.add_feed_forward_length(c["intermediate_size"]), w.add_head_count(heads), w.add_head_count_kv(kv), w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_key_length(head_dim), w.add_value_length(head_dim), w.add_rope_dimension_count(head_dim), w.add_rope_freq_base(rope.get("rope_theta", c.get("rope_theta", 10000.0)))
    if rope.get("rope_type") == "yarn":
        w.add_rope_scaling_type(gguf.RopeScalingType.YARN), w.add_rope_scaling_factor(rope["factor"]), w.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
    if rope.get("rope_type") == "llama3":
        w.add_tensor("rope_freqs.weight", llama3_factors(rope, head_dim).numpy())
    for key, x in weights.items():
        if arch == "llama" and ("q_proj" in key or "k_proj" in key):
            x = interleave(x, heads if "q_proj" in key else kv)
        x = x.contiguous()
        if x.dim() == 1:
            w.add_tensor(gguf_name(key), x.float().numpy())
        elif x.dtype == torch.bfloat16:
            w.add_tensor(gguf_name(key), x.view(torch.uint8).numpy(), raw_dtype=gguf.GGMLQuantizationType.BF16)
        else:
            w.add_tensor(gguf_name(key), x.numpy())
    w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()


for name in sys.argv[1:] or MODELS:
    make(name)
for name in TWINS:
    make_twin(name)
