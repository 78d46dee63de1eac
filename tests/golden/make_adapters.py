#!/usr/bin/env python3
"""tests/golden/adapters/NAME/: small random LoRA adapters on the models of tests/golden/tiny, saved by peft, with the fp32 logits (logits.bin) at the last
position of the prompt of make_tiny.py. Where the base has 16 bits, each changed weight is rounded to the base's type before; that this is peft's model but for
that rounding is checked here, with peft's own forward pass. make_adapters.py [NAME ...] makes those only. Run from the top; needs torch, transformers, peft."""
import copy, json, os, shutil, sys
import numpy as np, torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "adapters")
TINY = "tests/golden/tiny/"
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# name: base, LoraConfig, type of the adapter's tensors, and what else
CASES = {
    "all_linear": ("llama", dict(r=2, lora_alpha=3, target_modules="all-linear"), torch.float32, {}),
    "patterns": ("qwen2", dict(r=2, lora_alpha=4, use_rslora=True, target_modules=r".*\.(q_proj|v_proj|down_proj)", exclude_modules=["layers.1.mlp.down_proj"],
                               rank_pattern={"1.self_attn.v_proj": 5, r"model\.layers\.1\.self_attn\.q_proj": 1, "v_proj": 3},  # as peft sorts them when it saves
                               alpha_pattern={"1.self_attn.[a-q]_proj": 7, "proj": 2.5}), torch.float32, {}),
    "one_layer": ("mistral_window", dict(r=1, lora_alpha=8, target_modules=["q_proj", "up_proj"], layers_to_transform=[1], layers_pattern="layers"), torch.bfloat16, {}),
    "saved": ("llama", dict(r=1, target_modules=["v_proj"], modules_to_save=["lm_head", "embed_tokens"]), torch.float16, {}),
    "biases": ("llama_bias", dict(r=2, lora_alpha=8, target_modules=["q_proj", "down_proj"], bias="lora_only", fan_in_fan_out=True), torch.float32, dict(bin=True)),
    "norms": ("llama_shards", dict(r=1, lora_alpha=8, target_modules=["k_proj"], modules_to_save=["norm", "input_layernorm"]), torch.float32, {}),
    "old_names": ("llama_old", dict(r=2, lora_alpha=8, target_modules=["o_proj", "gate_proj"]), torch.float16, dict(bin=True, old=True)),
    "tied_embedding": ("llama_gqa_tied", dict(r=2, lora_alpha=1, target_modules=["embed_tokens"]), torch.float32, {}),
    "tied_head": ("smollm", dict(r=2, lora_alpha=1, target_modules=["lm_head", "v_proj"]), torch.float32, {}),
    "tied_saved": ("qwen2_window", dict(r=1, lora_alpha=8, target_modules=["q_proj"], modules_to_save=["embed_tokens"]), torch.bfloat16, {}),
    "more_rows": ("llama_gqa_tied", dict(r=1, lora_alpha=8, target_modules=["q_proj"]), torch.bfloat16, dict(rows=101)),
}


def base_of(name):
    rope = json.load(open(TINY + name + "/config.json")).get("rope_parameters") or {}
    assert rope.get("rope_type", "default") == "default" and rope.get("rope_theta", 1e4) == 1e4, "transformers 4 would not read it"
    return AutoModelForCausalLM.from_pretrained(TINY + name, torch_dtype=torch.float32, attn_implementation="eager").eval()


def logits_of(model):
    with torch.no_grad():
        return model(torch.tensor([[(i * 37 + 11) % 96 for i in range(40)]])).logits[0, -1].float()


def effective(peft_model):
    """Each weight of the base as the adapter makes it, embedding and head apart."""
    out, inner = {}, peft_model.base_model.model
    for name, module in inner.named_modules():
        layer = module.modules_to_save["default"] if hasattr(module, "modules_to_save") else module
        base = getattr(layer, "base_layer", layer)
        if any(x in name for x in (".lora_", "base_layer", "original_module", "modules_to_save")) or not hasattr(base, "weight"):
            continue
        weight = base.weight.detach().clone()
        if getattr(layer, "lora_A", None) or getattr(layer, "lora_embedding_A", None):
            weight += layer.get_delta_weight("default").detach()
        out[name + ".weight"] = weight
        if getattr(base, "bias", None) is not None:
            out[name + ".bias"] = base.bias.detach().clone()
    return out


def untied(base, rows, weights, dtype):
    config = copy.deepcopy(base.config)
    config.tie_word_embeddings, config.vocab_size = False, rows
    m = type(base)(config).eval()
    m.load_state_dict({k: v.to(dtype).float() for k, v in weights.items()}, strict=True)
    return m


def make(name):
    base_name, config, dtype, extra = CASES[name]
    torch.manual_seed(len(name))
    out, base = os.path.join(HERE, name), base_of(base_name)
    shutil.rmtree(out, ignore_errors=True)
    stored = next(v.dtype for f in os.listdir(TINY + base_name) if f.endswith(".safetensors") for v in load_file(TINY + base_name + "/" + f).values())
    rows = extra.get("rows", base.config.vocab_size)
    if rows != base.config.vocab_size:
        base.resize_token_embeddings(rows, mean_resizing=False)
    tuned = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **config)).eval()
    with torch.no_grad():
        for key, p in tuned.named_parameters():
            if "lora_" in key or "modules_to_save" in key or (config.get("bias") and key.endswith("base_layer.bias")) or (extra.get("rows") and "embed_tokens" in key):
                p.copy_((p if "modules_to_save" in key else 0) + (torch.randn_like(p) * 0.2).to(dtype).float())
                p.copy_(p.to(dtype).float())
    tuned.save_pretrained(out, safe_serialization=not extra.get("bin"), save_embedding_layers="rows" in extra or "auto")
    file = os.path.join(out, "adapter_model.bin" if extra.get("bin") else "adapter_model.safetensors")
    tensors = {k: v.to(dtype).contiguous() for k, v in (torch.load(file) if extra.get("bin") else load_file(file)).items()}
    # what peft reads is the file, and what it makes of it is what counts
    torch.save(tensors, file) if extra.get("bin") else save_file(tensors, file, metadata={"format": "pt"})
    base = base_of(base_name)
    if rows != base.config.vocab_size:
        base.resize_token_embeddings(rows, mean_resizing=False)
    read = PeftModel.from_pretrained(base, out).eval()
    weights, own = effective(read), logits_of(read)
    apart = (logits_of(untied(base_of(base_name), rows, weights, torch.float32)) - own).abs().max() / own.std()
    moved = (own[:96] - logits_of(base_of(base_name))).abs().max() / own.std()
    assert apart < 1e-4 and moved > 0.05, (name, apart, moved)
    logits = logits_of(untied(base_of(base_name), rows, weights, stored))
    logits.numpy().astype(np.float32).tofile(os.path.join(out, "logits.bin"))
    if extra.get("old"):
        torch.save({k.replace("lora_A.", "lora_A.default.").replace("lora_B.", "lora_B.default."): v for k, v in tensors.items()}, file)
    os.remove(os.path.join(out, "README.md"))
    path = os.path.join(out, "adapter_config.json")
    c = json.load(open(path))
    c["base_model_name_or_path"] = TINY + base_name
    json.dump(c, open(path, "w"), indent=1, sort_keys=True)
    print(f"{name}: on {base_name} ({stored}), {len(tensors)} tensors, {os.path.getsize(file)} bytes, logits move by {moved:.2f} of their spread, {sorted(tensors)[0]}")


for name in sys.argv[1:] or CASES:
    make(name)
