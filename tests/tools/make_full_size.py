#!/usr/bin/env python3
"""make_full_size.py OUT [TOKENIZER]: a model of the shape of lmsys/vicuna-7b-v1.3 with random weights, in the published files: two PyTorch shards (13.5 GB,
float16, inv_freq in float32), their index, config.json, generation_config.json. Tokenizer files are copied from the folder TOKENIZER, whose vocabulary
may be smaller than the 32000 rows. Standard library only; the disk decides how long it takes. LAYERS=n in the environment makes a smaller one."""
import json, os, random, shutil, struct, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch_file

DIM, FF, VOCAB, HEADS, LAYERS = 4096, 11008, 32000, 32, int(os.environ.get("LAYERS", 32))
POOL = 2 * (8 * 1024 * 1024 + 977)            # no multiple of a row's bytes: no two rows are alike
CONFIG = {"architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": DIM, "initializer_range": 0.02,
          "intermediate_size": FF, "max_position_embeddings": 2048, "model_type": "llama", "num_attention_heads": HEADS, "num_hidden_layers": LAYERS,
          "pad_token_id": 0, "rms_norm_eps": 1e-06, "tie_word_embeddings": False, "torch_dtype": "float16", "transformers_version": "4.28.1",
          "use_cache": True, "vocab_size": VOCAB}
GENERATION = {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "transformers_version": "4.28.1"}


def pool():
    """Float16 numbers of both signs between 1/64 and 1/32: random sign and mantissa, one exponent."""
    bits = int.from_bytes(random.Random(1).randbytes(POOL), "little") & int.from_bytes(b"\xff\x83" * (POOL // 2), "little")
    return (bits | int.from_bytes(b"\x00\x24" * (POOL // 2), "little")).to_bytes(POOL, "little")


class Numbers:
    """Bytes of the pool, round and round."""
    def __init__(self):
        self.data, self.at = memoryview(pool()), 0

    def take(self, n):
        while n:
            k = min(n, POOL - self.at)
            yield self.data[self.at:self.at + k]
            self.at, n = (self.at + k) % POOL, n - k


def layer(numbers, i):
    p = f"model.layers.{i}."
    inv_freq = struct.pack("<64f", *(10000.0 ** (-k / 64) for k in range(64)))
    matrices = [("self_attn.q_proj", DIM, DIM), ("self_attn.k_proj", DIM, DIM), ("self_attn.v_proj", DIM, DIM), ("self_attn.o_proj", DIM, DIM),
                ("mlp.gate_proj", FF, DIM), ("mlp.down_proj", DIM, FF), ("mlp.up_proj", FF, DIM)]
    rows = [matrix(numbers, f"{p}{name}.weight", r, c) for name, r, c in matrices]
    rows.insert(4, (f"{p}self_attn.rotary_emb.inv_freq", "F32", (64,), inv_freq))
    return rows + [ones(f"{p}input_layernorm.weight"), ones(f"{p}post_attention_layernorm.weight")]


def matrix(numbers, name, rows, cols):
    return name, "F16", (rows, cols), numbers.take(2 * rows * cols)


def ones(name):
    return name, "F16", (DIM,), b"\x00\x3c" * DIM


def main(out, tokenizer=None):
    os.makedirs(out, exist_ok=True)
    numbers, half, total, where = Numbers(), (LAYERS * 3 + 3) // 4, 0, {}
    shards = [[matrix(numbers, "model.embed_tokens.weight", VOCAB, DIM)] + [t for i in range(half) for t in layer(numbers, i)],
              [t for i in range(half, LAYERS) for t in layer(numbers, i)] + [ones("model.norm.weight"), matrix(numbers, "lm_head.weight", VOCAB, DIM)]]
    for i, tensors in enumerate(shards):
        name = f"pytorch_model-{i + 1:05d}-of-00002.bin"
        torch_file.save(os.path.join(out, name), tensors)
        where.update({t[0]: name for t in tensors})
        total += sum(torch_file.WIDTH[kind] * torch_file.count(shape) for _, kind, shape, _ in tensors)
    texts = {"config.json": CONFIG, "generation_config.json": GENERATION, "pytorch_model.bin.index.json": {"metadata": {"total_size": total}, "weight_map": where}}
    for name, value in texts.items():
        with open(os.path.join(out, name), "w") as f:
            json.dump(value, f, indent=2)
    for name in ("tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json"):
        if tokenizer and os.path.exists(os.path.join(tokenizer, name)):
            shutil.copy(os.path.join(tokenizer, name), out)


if __name__ == "__main__":
    main(*sys.argv[1:3])
