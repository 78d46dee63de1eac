#!/usr/bin/env python3
"""Goldens for SentencePiece BPE: small models trained here, and what the package `sentencepiece` makes of the strings of strings.jsonl.

Writes into tests/golden/tokenizers/:
  spm.model, spm.gguf    a model of Llama's kind and the same as a GGUF vocabulary (package gguf); spm.ids: ids and decoded text
  spm_hard.model         with user-defined, unused and control pieces, without dummy prefix, extra spaces removed; spm_hard.ids
  spm_legacy.ids, spm_first.ids   ids and texts of transformers' LlamaTokenizer on spm.model with legacy true and false, special tokens in the text
  slow.jsonl             that tokenizer with side files as repositories of 2023 have them: hashes of the ids of all strings, and of the texts of sequence()
`make_spm.py ids` keeps the models that are there.
Needs sentencepiece, gguf, protobuf and a transformers that still has the slow LlamaTokenizer (4.57.3)."""
import hashlib, io, json, os, shutil, sys, tempfile
import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as pb

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizers")
sys.path.insert(0, os.path.dirname(HERE))
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def corpus():
    """The corpus of make_tokenizers.py, without importing its package."""
    src = open(os.path.join(os.path.dirname(HERE), "make_tokenizers.py")).read()
    body = src[src.index("def corpus():"):src.index("SPECIAL =")]
    scope = {}
    exec("import random\n" + body, scope)
    return list(scope["corpus"]())


def train(**extra):
    out = io.BytesIO()
    spm.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=out, model_type="bpe", vocab_size=900, byte_fallback=True, split_digits=True,
                                   normalization_rule_name="identity", allow_whitespace_only_pieces=True, minloglevel=2, num_threads=1, **extra)
    m = pb.ModelProto()
    m.ParseFromString(out.getvalue())
    m.trainer_spec.ClearField("input")
    return m


def hard():
    m = train(add_dummy_prefix=False, remove_extra_whitespaces=True, user_defined_symbols=["<|im_start|>", "http", "▁▁▁", "aaa", "é"], control_symbols=["<|im_end|>", "the"])
    for i, p in enumerate(m.pieces):
        if p.type == NORMAL and len(p.piece) > 1 and i % 5 == 0:
            p.type = UNUSED
    return m


def write_gguf(m, path):
    import gguf
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model("llama")
    w.add_token_list([p.piece.encode() for p in m.pieces])
    w.add_token_scores([p.score for p in m.pieces])
    w.add_token_types([p.type for p in m.pieces])
    w.add_bos_token_id(1), w.add_eos_token_id(2), w.add_unk_token_id(0)
    w.add_add_bos_token(False), w.add_add_space_prefix(m.normalizer_spec.add_dummy_prefix)
    w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()


def write_ids(name, texts, describe):
    with open(os.path.join(HERE, name), "w") as f:
        for i in range(0, len(texts), 50):
            f.write(hashlib.sha256("".join(describe(s) for s in texts[i:i + 50]).encode()).hexdigest() + "\n")
    if len(sys.argv) > 1:
        with open(os.path.join(sys.argv[1], name + ".full"), "w") as f:
            f.writelines(json.dumps([s, describe(s)]) + "\n" for s in texts)


def sentencepiece_golden(name, m, texts):
    p = spm.SentencePieceProcessor(model_proto=m.SerializeToString())
    write_ids(name + ".ids", texts, lambda s: " ".join(map(str, p.encode(s))) + "\n" + p.decode(p.encode(s)) + "\n")


def slow(m, **files):
    """LlamaTokenizer from a folder with these side files."""
    from transformers import LlamaTokenizer
    with tempfile.TemporaryDirectory() as d:
        open(os.path.join(d, "tokenizer.model"), "wb").write(m.SerializeToString())
        for name, value in files.items():
            if value is not None:
                json.dump(value, open(os.path.join(d, name + ".json"), "w"))
        return LlamaTokenizer.from_pretrained(d)


def text_of(t, ids):
    return t.decode(ids, skip_special_tokens=False, spaces_between_special_tokens=False)


def slow_golden(name, m, texts, **config):
    t = slow(m, tokenizer_config=config)
    write_ids(name + ".ids", texts, lambda s: " ".join(map(str, t(s).input_ids)) + "\n" + text_of(t, t(s).input_ids) + "\n")


def token(text, **more):
    return {"content": text, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **more}


LLAMA = dict(add_bos_token=True, add_eos_token=False, bos_token=token("<s>", __type="AddedToken"), eos_token=token("</s>", __type="AddedToken"),
             unk_token=token("<unk>", __type="AddedToken"), pad_token=None, model_max_length=int(1e30), sp_model_kwargs={}, tokenizer_class="LlamaTokenizer")
EMPTY = dict(bos_token="", eos_token="", unk_token="", model_max_length=int(1e30), tokenizer_class="LlamaTokenizer")
OASST = ["<|prompter|>", "<|system|>", "<|prefix_begin|>", "<|prefix_end|>", "<|assistant|>"]
SIDES = [
    (LLAMA, dict(bos_token=token("<s>"), eos_token=token("</s>"), pad_token="<unk>", unk_token=token("<unk>")), None),
    (dict(LLAMA, legacy=False), dict(bos_token=token("<s>"), eos_token=token("</s>"), pad_token="<pad>", unk_token=token("<unk>")), {"<pad>": 900}),
    (dict(LLAMA, legacy=False, add_prefix_space=False), {}, None),
    (dict(LLAMA, add_prefix_space=False, clean_up_tokenization_spaces=True), {}, None),
    (EMPTY, {}, None),
    (EMPTY, dict(bos_token="", eos_token="", unk_token=""), {"[PAD]": 900}),
    (dict(EMPTY, add_bos_token=False), dict(unk_token="<unk>"), None),
    (EMPTY, dict(bos_token="</s>", eos_token="</s>", pad_token="[PAD]", unk_token="</s>"), {"[PAD]": 900}),
    (LLAMA, dict(bos_token="<s>", eos_token="</s>", pad_token="[PAD]", unk_token="<unk>"), {"[PAD]": 900}),
    (LLAMA, dict(additional_special_tokens=OASST, bos_token=token("<s>"), eos_token="</s>", pad_token="</s>", sep_token="<s>", unk_token=token("<unk>")),
     {t: 900 + i for i, t in enumerate(OASST[::-1])}),
    (LLAMA, dict(additional_special_tokens=["<s>", "</s>", "the"], pad_token=token("[PAD]", lstrip=True)), {"[PAD]": 900, "plain": 901, " x": 902}),
    (dict(LLAMA, add_eos_token=True, added_tokens_decoder={"0": token("<unk>", special=True), "1": token("<s>", special=True), "2": token("</s>", special=True),
                                                           "900": token("<|im_end|>", special=True, rstrip=True), "901": token("tool", special=False)}), {}, None),
]


def sequence(i, n_ids):
    """A text of ids, counted: special ones and bytes are as frequent as all others together."""
    x, out = i, []
    for _ in range(1 + i % 13):
        x = (x * 1103515245 + 12345) % 2 ** 31
        kind, at = x >> 16 & 3, x >> 18
        out.append(at % 3 if kind == 0 else 3 + at % 256 if kind == 1 else n_ids - 1 - at % 8 if kind == 2 and n_ids > 900 else at % n_ids)
    return out


def hashes(texts):
    return [hashlib.sha256("".join(texts[i:i + 200]).encode()).hexdigest()[:16] for i in range(0, len(texts), 200)]


def without_spaces(m):
    """OpenLLaMA's kind: extra white space is removed. With it, where its file differs from m's."""
    other = pb.ModelProto()
    other.CopyFrom(m)
    other.normalizer_spec.remove_extra_whitespaces = True
    a, b = m.SerializeToString(), other.SerializeToString()
    differ = [i for i in range(len(a)) if a[i] != b[i]]
    assert len(a) == len(b) and len(differ) == 1
    return other, differ[0]


def side_goldens(m, texts):
    open_llama, at = without_spaces(m)
    sides = [(m, None, *x) for x in SIDES] + [(open_llama, at, LLAMA, {}, None)]
    with open(os.path.join(HERE, "slow.jsonl"), "w") as f:
        for model, flip, config, special, added in sides:
            t = slow(model, tokenizer_config=config, special_tokens_map=special, added_tokens=added)
            ids = hashes([" ".join(map(str, t(s).input_ids)) + "\n" for s in texts])
            decoded = hashes([text_of(t, sequence(i, len(t))) + "\n" for i in range(1000)])
            f.write(json.dumps({"flip": flip, "config": config, "map": special, "added": added, "n_ids": len(t), "ids": ids, "texts": decoded}) + "\n")


def kept(name):
    m = pb.ModelProto()
    m.ParseFromString(open(os.path.join(HERE, name + ".model"), "rb").read())
    return m


def main():
    texts = [json.loads(x) for x in open(os.path.join(HERE, "strings.jsonl"))]
    if sys.argv[1:2] == ["ids"]:
        del sys.argv[1]
        llama, other = kept("spm"), kept("spm_hard")
    else:
        llama, other = train(remove_extra_whitespaces=False), hard()
        for name, m in (("spm", llama), ("spm_hard", other)):
            open(os.path.join(HERE, name + ".model"), "wb").write(m.SerializeToString())
        write_gguf(llama, os.path.join(HERE, "spm.gguf"))
    sentencepiece_golden("spm", llama, texts)
    sentencepiece_golden("spm_hard", other, texts)
    slow_golden("spm_legacy", llama, texts, legacy=True)
    slow_golden("spm_first", llama, texts, legacy=False)
    side_goldens(llama, texts)


main()
