#!/usr/bin/env python3
"""tests/golden/tiny/NAME/: tiny random models of every architecture row with the fp32 logits that Hugging Face transformers gives at the last
position of a fixed prompt (logits.bin). Needs the packages torch and transformers."""
import os, shutil
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
}

for name, (cls, config, extra, dtype) in MODELS.items():
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
