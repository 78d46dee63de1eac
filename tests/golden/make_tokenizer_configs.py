#!/usr/bin/env python3
"""tests/golden/tokenizers/configs.jsonl: what transformers makes of a tokenizer.json of this folder beside a tokenizer_config.json. A line:
{"kind": tokenizer.json, "config": tokenizer_config.json, "map": special_tokens_map.json, "added": added_tokens.json, "model": config.json (where
they are), "changes": members of tokenizer.json that are others, "special": [bos, eos, unk, pad, sep, cls, mask], "additional": [text ...],
"texts": [[text, ids, decoded or null] ...]}.
Needs transformers 4 (4.57.3), tokenizers, and for the kind spm, which is spm.model, sentencepiece and protobuf."""
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

CASES = [(*c, None, None) for c in CASES]
# No tokenizer_class: config.json's, or that of its model_type, with the tokens and the frame of that class. (config, map, added, config.json, changes to tokenizer.json)
LLAMA, MISTRAL, QWEN2 = {"model_type": "llama"}, {"model_type": "mistral"}, {"model_type": "qwen2"}
LENIENT = {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}}
CASES += [
    ("llama2", {}, None, None, LLAMA, None),
    ("llama2", None, None, None, LLAMA, None),
    ("llama3", None, None, None, LLAMA, None),
    ("llama3", {"add_bos_token": False}, None, None, MISTRAL, None),
    ("gpt2", {"eos_token": "<|im_end|>", "bos_token": "<|im_start|>"}, None, None, MISTRAL, None),
    ("gpt2", None, None, None, QWEN2, LENIENT),
    ("qwen2", {"eos_token": "<|im_end|>"}, None, None, QWEN2, None),
    ("gpt2", None, None, None, {"model_type": "llama", "tokenizer_class": "GPT2Tokenizer"}, LENIENT),
    ("gpt2", {}, {"eos_token": "<|im_end|>"}, None, {"model_type": "llama", "tokenizer_class": "PreTrainedTokenizerFast"}, None),
    ("llama2", {"tokenizer_class": None, "add_bos_token": None, "add_eos_token": True}, None, None, LLAMA, None),
    # a space before the text: the class's idea where the file is silent, and a null
    ("gpt2", {}, None, None, LLAMA, LENIENT),
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizerFast"}, None, None, None, LENIENT),
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": None}, None, None, None, LENIENT),
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": None}, None, None, None, LENIENT),
    ("gpt2", {"tokenizer_class": "Qwen2Tokenizer", "add_prefix_space": True}, None, None, None, None),
    # classes whose tokens the vocabulary lacks, and frames
    ("gpt2", {"tokenizer_class": "LlamaTokenizerFast"}, None, None, None, None),
    ("llama2", {"tokenizer_class": "GemmaTokenizer", "add_eos_token": True}, None, None, None, None),
    ("llama3", {"tokenizer_class": "GPTNeoXTokenizer"}, None, None, None, None),
    ("llama3", {"tokenizer_class": "GPTNeoXTokenizerFast", "add_bos_token": True, "add_eos_token": True, "eos_token": "<|im_end|>"}, None, None, None, None),
    ("llama2", {"tokenizer_class": "CodeLlamaTokenizer", "additional_special_tokens": ["<|tool|>"], "suffix_token": None}, None, None, None, None),
    ("gpt2", {"tokenizer_class": "BloomTokenizerFast"}, None, None, None, None),
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizer", "unk_token": "<unk>"}, None, None, None, None),
    ("llama2", {"tokenizer_class": "LlamaTokenizer", "bos_token": None, "add_bos_token": False}, None, None, None, None),
    ("llama3", {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": ""}, None, None, None, None),
    # whose flags win
    ("smollm", {"tokenizer_class": "GPT2Tokenizer", "eos_token": token("<|im_end|>", lstrip=True, rstrip=True)}, None, None, None, None),
    ("smollm", {"tokenizer_class": "GPT2Tokenizer"}, {"eos_token": token("<|im_end|>", lstrip=True), "pad_token": "<|im_end|>"}, None, None, None),
    ("smollm", {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "added_tokens_decoder": {"2": token("<|im_end|>", special=False, rstrip=True)}}, None, None, None, None),
    ("smollm", {"tokenizer_class": "GPT2Tokenizer", "eos_token": token("<|im_end|>", lstrip=True), "added_tokens_decoder": {"0": token("<|endoftext|>", special=True)}}, None, None, None, None),
    ("smollm", {"tokenizer_class": "GPT2Tokenizer", "eos_token": token("<mask>", lstrip=True), "pad_token": token("<mask>", rstrip=True)}, None, None, None, None),
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizerFast"}, None, {"<|im_end|>": 2, "<|tool|>": 778, "<sep>": 1}, None,
     {"added_tokens": [{"id": i, **token(s, special=False, lstrip=True)} for i, s in enumerate(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])]}),
    ("smollm", {"tokenizer_class": "PreTrainedTokenizerFast", "additional_special_tokens": [token("<|im_end|>", rstrip=True), "<|im_start|>", "<sep>"]}, None, None, None, None),
    # ids that tokenizer.json states otherwise than they come out; a pad token from its padding
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizerFast"}, None, None, None,
     {"added_tokens": [{"id": 900, **token("<|tool|>", special=True)}, {"id": 7, **token("<|im_end|>", special=True)}, {"id": 850, **token("<sep>", special=False)}],
      "padding": {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0, "pad_type_id": 0, "pad_token": "<mask>"},
      "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0}}),
    ("gpt2", {"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": True, "legacy": False, "model_max_length": 3, "padding_side": "left"}, None, None, None, None),
]
# Without tokenizer.json: LlamaTokenizer itself on tokenizer.model.
SLOW = {"tokenizer_class": "LlamaTokenizer"}
CASES += [
    ("spm", {**SLOW, **PLAIN}, None, None, None, None),
    ("spm", {**SLOW, "pad_token": "<mask>", "legacy": False}, None, None, None, None),
    ("spm", {**SLOW}, {"eos_token": token("<|im_end|>", rstrip=True), "pad_token": "<|im_end|>", "additional_special_tokens": ["<|tool|>"]}, {"<sep>": 900, "<|im_end|>": 901}, None, None),
    ("spm", {**SLOW, "legacy": False, "additional_special_tokens": ["<sep>"], "added_tokens_decoder": {"0": token("<unk>", special=True), "1": token("<s>", special=True),
             "2": token("</s>", special=True), "900": token("<sep>", special=True, lstrip=True), "901": token("<|tool|>", special=False)}}, None, None, None, None),
    ("spm", {**SLOW, "add_bos_token": False, "add_eos_token": True, "mask_token": token("<mask>", lstrip=True)}, None, None, None, None),
]

with open(os.path.join(HERE, "configs.jsonl"), "w") as f:
    for kind, config, special_map, added, model, changes in CASES:
        with tempfile.TemporaryDirectory() as d:
            if kind == "spm":
                shutil.copy(os.path.join(HERE, "spm.model"), os.path.join(d, "tokenizer.model"))
            else:
                json.dump({**json.load(open(os.path.join(HERE, kind + ".json"))), **(changes or {})}, open(os.path.join(d, "tokenizer.json"), "w"))
            side = {"config": config, "map": special_map, "added": added, "model": model}
            for name, key in (("tokenizer_config.json", "config"), ("special_tokens_map.json", "map"), ("added_tokens.json", "added"), ("config.json", "model")):
                if side[key] is not None:
                    json.dump(side[key], open(os.path.join(d, name), "w"))
            t = AutoTokenizer.from_pretrained(d, use_fast=kind != "spm")
        rows = [[s, t(s).input_ids, t.decode(t(s).input_ids, skip_special_tokens=False) if t.is_fast else None] for s in TEXTS]
        f.write(json.dumps({"kind": kind, **{k: v for k, v in side.items() if v is not None}, **({"changes": changes} if changes else {}),
                            "special": [t.bos_token, t.eos_token, t.unk_token, t.pad_token, t.sep_token, t.cls_token, t.mask_token],
                            "additional": t.additional_special_tokens, "texts": rows}) + "\n")
