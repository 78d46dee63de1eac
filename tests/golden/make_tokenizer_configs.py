#!/usr/bin/env python3
"""tests/golden/tokenizers/configs.jsonl: what transformers makes of a tokenizer.json of this folder beside a tokenizer_config.json. A line:
{"kind": tokenizer.json, "config": tokenizer_config.json, "map": special_tokens_map.json, "added": added_tokens.json (where they are),
"special": [bos, eos, unk, pad, sep, cls, mask], "texts": [[text, ids, decoded] ...]}.
Needs transformers 4 (4.57.3) and tokenizers."""
import json, os, shutil, tempfile
from transformers import AutoTokenizer

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizers")
TEXTS = ["a <|tool|>  b<|tool|>\n c", "x<|im_end|>  y <|im_end|>\n\n z", "<sep>  <mask> m <cls>", "Hello there", " a  b", "<s>x</s> y", "it 's , 12 345 . ok ?", "<|im_start|>user\nQ<|im_end|>", ""]


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

# Tokens that tokenizer.json lacks or flags otherwise: from added_tokens_decoder, or in older folders from added_tokens.json and special_tokens_map.json.
CASES = [(kind, config, None, None) for kind, config in CASES]
DECODER = {"added_tokens_decoder": {"900": token("<|tool|>", special=True), "901": token("<sep>", special=False, normalized=True)}}
CASES += [
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", **DECODER}, None, None),
    ("smollm", {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>", "added_tokens_decoder":
                {"2": token("<|im_end|>", special=True, rstrip=True), "7000": token("  ", special=False)}}, None, None),
    ("smollm", {"tokenizer_class": "GPT2Tokenizer", "eos_token": "<|im_end|>", "added_tokens_decoder":
                {"2": token("<|im_end|>", special=True, lstrip=True, rstrip=True, single_word=True), "1": token("<|im_start|>", special=True)}}, None, None),
    ("qwen2", {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "sep_token": "<sep>", "mask_token": token("<mask>", lstrip=True)}, None, None),
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer"}, {"eos_token": token("<|tool|>", rstrip=True), "cls_token": "<cls>"}, {"<|tool|>": 800, "<sep>": 801}),
    ("llama3", {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>"}, {"eos_token": "<|im_end|>", "additional_special_tokens": ["<|tool|>"]}, None),
    ("mistral", {"tokenizer_class": "LlamaTokenizer", **PLAIN, "pad_token": "<pad>"}, None, {"<|tool|>": 900, "<pad>": 901}),
]

with open(os.path.join(HERE, "configs.jsonl"), "w") as f:
    for kind, config, special_map, added in CASES:
        with tempfile.TemporaryDirectory() as d:
            shutil.copy(os.path.join(HERE, kind + ".json"), os.path.join(d, "tokenizer.json"))
            json.dump(config, open(os.path.join(d, "tokenizer_config.json"), "w"))
            side = {"map": special_map, "added": added}
            for name, key in (("special_tokens_map.json", "map"), ("added_tokens.json", "added")):
                if side[key]:
                    json.dump(side[key], open(os.path.join(d, name), "w"))
            t = AutoTokenizer.from_pretrained(d, use_fast=True)
        rows = [[s, t(s).input_ids, t.decode(t(s).input_ids, skip_special_tokens=False)] for s in TEXTS]
        f.write(json.dumps({"kind": kind, "config": config, **{k: v for k, v in side.items() if v},
                            "special": [t.bos_token, t.eos_token, t.unk_token, t.pad_token, t.sep_token, t.cls_token, t.mask_token], "texts": rows}) + "\n")
