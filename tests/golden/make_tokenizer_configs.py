#!/usr/bin/env python3
"""tests/golden/tokenizers/configs.jsonl: what transformers makes of a tokenizer.json of this folder beside a tokenizer_config.json. A line:
{"kind": tokenizer.json, "config": tokenizer_config.json, "special": [bos, eos, unk, pad], "texts": [[text, ids, decoded] ...]}.
Needs transformers 4 (4.56.2) and tokenizers."""
import json, os, shutil, tempfile
from transformers import AutoTokenizer

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizers")
TEXTS = ["Hello there", " a  b", "<s>x</s> y", "it 's , 12 345 . ok ?", "<|im_start|>user\nQ<|im_end|>", ""]


def token(s, **flags):
    return {"__type": "AddedToken", "content": s, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, **flags}


PLAIN = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
OBJECTS = {"bos_token": token("<s>"), "eos_token": token("</s>"), "unk_token": token("<unk>"), "pad_token": None}
CASES = [
    ("llama2", {"tokenizer_class": "LlamaTokenizer", **PLAIN}),
    ("llama2", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": False, **OBJECTS}),
    ("llama2", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": True, "legacy": False, **OBJECTS}),
    ("llama2", {"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": False, "add_eos_token": True, "pad_token": "</s>", **PLAIN}),
    ("llama2", {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": False, **PLAIN}),
    ("mistral", {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "clean_up_tokenization_spaces": True, **OBJECTS}),
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "add_prefix_space": True}),
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "add_prefix_space": False, "clean_up_tokenization_spaces": True}),
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "add_prefix_space": True, "additional_special_tokens": ["<|im_start|>", token("<|im_end|>")]}),
    ("qwen2", {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "add_prefix_space": False, "bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}),
    ("llama3", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "<|im_end|>", "clean_up_tokenization_spaces": True}),
    ("smollm", {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>", "add_prefix_space": True}),
]

with open(os.path.join(HERE, "configs.jsonl"), "w") as f:
    for kind, config in CASES:
        with tempfile.TemporaryDirectory() as d:
            shutil.copy(os.path.join(HERE, kind + ".json"), os.path.join(d, "tokenizer.json"))
            json.dump(config, open(os.path.join(d, "tokenizer_config.json"), "w"))
            t = AutoTokenizer.from_pretrained(d, use_fast=True)
        rows = [[s, t(s).input_ids, t.decode(t(s).input_ids, skip_special_tokens=False)] for s in TEXTS]
        f.write(json.dumps({"kind": kind, "config": config, "special": [t.bos_token, t.eos_token, t.unk_token, t.pad_token], "texts": rows}) + "\n")
