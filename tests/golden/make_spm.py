#!/usr/bin/env python3
"""Goldens for SentencePiece BPE: small models trained here, and what the package `sentencepiece` makes of the strings of strings.jsonl.

Writes into tests/golden/tokenizers/:
  spm.model, spm.gguf    a model of Llama's kind and the same as a GGUF vocabulary (package gguf); spm.ids: ids and decoded text
  spm_hard.model         with user-defined, unused and control pieces, without dummy prefix, extra spaces removed; spm_hard.ids
  spm_legacy.ids, spm_first.ids   ids of transformers' LlamaTokenizer on spm.model with legacy true and false, special tokens in the text
Needs sentencepiece, gguf, protobuf and a transformers that still has the slow LlamaTokenizer (4.45.2)."""
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
    open(os.path.join(HERE, name + ".model"), "wb").write(m.SerializeToString())
    p = spm.SentencePieceProcessor(model_proto=m.SerializeToString())
    write_ids(name + ".ids", texts, lambda s: " ".join(map(str, p.encode(s))) + "\n" + p.decode(p.encode(s)) + "\n")


def slow_golden(name, m, texts, **config):
    from transformers import LlamaTokenizer
    with tempfile.TemporaryDirectory() as d:
        open(os.path.join(d, "tokenizer.model"), "wb").write(m.SerializeToString())
        t = LlamaTokenizer(os.path.join(d, "tokenizer.model"), **config)
    write_ids(name + ".ids", texts, lambda s: " ".join(map(str, t(s).input_ids)) + "\n")


def main():
    texts = [json.loads(x) for x in open(os.path.join(HERE, "strings.jsonl"))]
    llama = train(remove_extra_whitespaces=False)
    sentencepiece_golden("spm", llama, texts)
    write_gguf(llama, os.path.join(HERE, "spm.gguf"))
    sentencepiece_golden("spm_hard", hard(), texts)
    slow_golden("spm_legacy", llama, texts, legacy=True)
    slow_golden("spm_first", llama, texts, legacy=False)


main()
