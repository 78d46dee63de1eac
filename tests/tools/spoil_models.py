#!/usr/bin/env python3
"""spoil_models.py OUT [good]: tiny good models as Hugging Face folders (OUT/good*), and, unless only those are wanted, as GGUF (OUT/good.gguf) and
copies with one thing wrong each.
Weights come from tests/golden/tiny; the vocabulary has one token per letter. Standard library only."""
import json, os, shutil, struct, sys

OUT = sys.argv[1]
TINY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "tiny")
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!?'\"()-+*/=<>[]|\n\u2581"
TOKENS = ["<unk>", "<s>", "</s>"] + list(LETTERS)
TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\n{% endfor %}a:"


# ---- Hugging Face folders ----

def tokenizer(tokens):
    added = [dict(id=i, content=t, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True) for i, t in enumerate(tokens[:3])]
    return dict(version="1.0", truncation=None, padding=None, added_tokens=added,
                normalizer=dict(type="Replace", pattern=dict(String=" "), content="\u2581"), pre_tokenizer=None, post_processor=None,
                decoder=dict(type="Replace", pattern=dict(String="\u2581"), content=" "),
                model=dict(type="BPE", dropout=None, unk_token="<unk>", continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=False,
                           byte_fallback=False, ignore_merges=False, vocab={t: i for i, t in enumerate(tokens)}, merges=[]))


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else json.dumps(data).encode())


def read(path):
    with open(path, "rb") as f:
        return f.read()


def folder(name, base="llama_gqa_tied"):
    to = os.path.join(OUT, name)
    shutil.copytree(os.path.join(TINY, base), to)
    write(to + "/tokenizer.json", tokenizer(TOKENS))
    write(to + "/tokenizer_config.json", dict(bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=TEMPLATE))
    return to + "/"


def st_split(data):
    n = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:8 + n]), data[8 + n:]


def st_join(header, body):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def spoil_st(name, change):
    """'change' takes header and body, and gives the bytes of a file."""
    path = folder(name) + "model.safetensors"
    write(path, change(*st_split(read(path))))


def tensor(header, name, **fields):
    return {**header, name: {**header[name], **fields}}


def spoil_json(name, file, change):
    path = folder(name) + file
    value = json.loads(read(path)) if os.path.exists(path) else {}
    new = change(value)
    write(path, new)


def safetensors():
    down, norm = "model.layers.0.mlp.down_proj.weight", "model.norm.weight"
    spoil_st("st_cut_body", lambda h, b: st_join(h, b[:-100]))
    spoil_st("st_cut_header", lambda h, b: st_join(h, b"")[:200])
    spoil_st("st_cut_prefix", lambda h, b: b"\x01\x02\x03")
    spoil_st("st_empty", lambda h, b: b"")
    spoil_st("st_header_beyond_file", lambda h, b: struct.pack("<Q", 1 << 40) + st_join(h, b)[8:])
    spoil_st("st_header_all_ones", lambda h, b: b"\xff" * 8 + st_join(h, b)[8:])
    spoil_st("st_header_no_json", lambda h, b: st_join(b"not json" + b" " * 100, b))
    spoil_st("st_header_list", lambda h, b: st_join(b"[1, 2]", b))
    spoil_st("st_offsets_beyond_file", lambda h, b: st_join(tensor(h, down, data_offsets=[1 << 40, (1 << 40) + 4096]), b))
    spoil_st("st_offsets_backward", lambda h, b: st_join(tensor(h, down, data_offsets=[4096, 0]), b))
    spoil_st("st_offsets_wrong_size", lambda h, b: st_join(tensor(h, down, data_offsets=[0, 64]), b))
    spoil_st("st_shape_overflow", lambda h, b: st_join(tensor(h, down, shape=[1 << 40, 1 << 40]), b))
    spoil_st("st_shape_negative", lambda h, b: st_join(tensor(h, down, shape=[-32, 64]), b))
    spoil_st("st_shape_other", lambda h, b: st_join(tensor(h, down, shape=[64, 32]), b))
    spoil_st("st_dtype_f8", lambda h, b: st_join(tensor(h, down, dtype="F8_E4M3"), b))
    spoil_st("st_dtype_i64", lambda h, b: st_join(tensor(h, norm, dtype="I64"), b))
    spoil_st("st_tensor_missing", lambda h, b: st_join({k: v for k, v in h.items() if k != down}, b))
    big = folder("st_header_oversized") + "model.safetensors"
    write(big, struct.pack("<Q", 150 << 20) + b"{")
    os.truncate(big, 160 << 20)
    os.remove(folder("shard_missing", "llama") + "model-00003-of-00007.safetensors")
    unlisted = folder("shard_unlisted", "llama")
    os.remove(unlisted + "model-00003-of-00007.safetensors")
    os.remove(unlisted + "model.safetensors.index.json")
    os.remove(folder("no_weights") + "model.safetensors")


def configurations():
    spoil_json("arch_unknown", "config.json", lambda c: {**c, "architectures": ["MambaForCausalLM"]})
    spoil_json("arch_none", "config.json", lambda c: {k: v for k, v in c.items() if k not in ("architectures", "model_type")})
    spoil_json("config_broken", "config.json", lambda c: '{"architectures": ["LlamaForCausalLM"], ')
    spoil_json("config_lies", "config.json", lambda c: {**c, "hidden_size": 64})
    spoil_json("config_huge", "config.json", lambda c: {**c, "num_hidden_layers": 2000000000})
    spoil_json("config_scaling", "config.json", lambda c: {**c, "rope_scaling": {"rope_type": "longrope", "factor": 4}})
    spoil_json("generation_broken", "generation_config.json", lambda c: '{"top_p": 0.9')
    os.remove(folder("config_missing") + "config.json")
    os.remove(folder("tokenizer_missing") + "tokenizer.json")
    spoil_json("tokenizer_broken", "tokenizer.json", lambda t: '{"model": ')
    spoil_json("tokenizer_unknown", "tokenizer.json", lambda t: {**t, "model": {"type": "WordPiece", "vocab": {}}})
    spoil_json("vocab_larger", "tokenizer.json", lambda t: tokenizer(TOKENS + ["extra%d" % i for i in range(40)]))
    spoil_json("template_broken", "tokenizer_config.json", lambda c: {**c, "chat_template": "{% for m in messages %}{{ m.content }}"})
    spoil_json("template_none", "tokenizer_config.json", lambda c: {k: v for k, v in c.items() if k != "chat_template"})
    spoil_json("template_raises", "tokenizer_config.json", lambda c: {**c, "chat_template": "{{ raise_exception('no such role') }}"})
    spoil_json("template_second_turn", "tokenizer_config.json",
               lambda c: {**c, "chat_template": "{% if messages | length > 1 %}{{ raise_exception('one turn only') }}{% endif %}" + TEMPLATE})
    spoil_json("template_loops", "tokenizer_config.json",
               lambda c: {**c, "chat_template": "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"})
    spoil_json("template_recurses", "tokenizer_config.json", lambda c: {**c, "chat_template": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"})
    spoil_json("template_loops_deep", "tokenizer_config.json",
               lambda c: {**c, "chat_template": "{% for i in r %}{% for i in r %}{% for i in r %}{% for i in r %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}"
                          .replace(" r ", " '0123456789' * 4 ")})
    spoil_json("template_floods", "tokenizer_config.json",
               lambda c: {**c, "chat_template": "{% for i in range(100000) %}{{ 'x' * 100000 }}{% endfor %}"})


# ---- GGUF ----

U32, F32, STRING, ARRAY, I32 = 4, 6, 8, 9, 5


def g_string(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack("<Q", len(b)) + b


def g_value(kind, v):
    if kind == STRING:
        return g_string(v)
    if isinstance(kind, tuple):
        return struct.pack("<IQ", kind[1], len(v)) + b"".join(g_value(kind[1], x) for x in v)
    return struct.pack({U32: "<I", F32: "<f", I32: "<i"}[kind], v)


def g_names():
    names = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    for i in range(2):
        for hf, gg in (("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"), ("self_attn.q_proj", "attn_q"),
                       ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
                       ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down")):
            names["model.layers.%d.%s.weight" % (i, hf)] = "blk.%d.%s.weight" % (i, gg)
    return names


def g_keys():
    return {
        "general.architecture": (STRING, "llama"), "llama.block_count": (U32, 2), "llama.embedding_length": (U32, 32),
        "llama.attention.head_count": (U32, 4), "llama.attention.head_count_kv": (U32, 1), "llama.attention.key_length": (U32, 16),
        "llama.feed_forward_length": (U32, 64), "llama.context_length": (U32, 256), "llama.rope.dimension_count": (U32, 16),
        "llama.attention.layer_norm_rms_epsilon": (F32, 1e-5), "tokenizer.ggml.model": (STRING, "llama"),
        "tokenizer.ggml.tokens": ((ARRAY, STRING), TOKENS), "tokenizer.ggml.scores": ((ARRAY, F32), [-float(i) for i in range(len(TOKENS))]),
        "tokenizer.ggml.token_type": ((ARRAY, I32), [2, 3, 3] + [1] * (len(TOKENS) - 3)), "tokenizer.ggml.bos_token_id": (U32, 1),
        "tokenizer.ggml.eos_token_id": (U32, 2), "tokenizer.ggml.unknown_token_id": (U32, 0), "tokenizer.chat_template": (STRING, TEMPLATE),
    }


def g_tensors():
    header, body = st_split(read(os.path.join(TINY, "llama_gqa_tied", "model.safetensors")))
    out = []
    for hf, gg in g_names().items():
        begin, end = header[hf]["data_offsets"]
        out.append(dict(name=gg, dims=list(reversed(header[hf]["shape"])), type=30, data=body[begin:end]))
    return out


def g_file(keys, tensors, version=3, n_tensors=None, n_keys=None, magic=b"GGUF"):
    b = magic + struct.pack("<IQQ", version, len(tensors) if n_tensors is None else n_tensors, len(keys) if n_keys is None else n_keys)
    for k, (kind, v) in keys.items():
        b += g_string(k) + struct.pack("<I", ARRAY if isinstance(kind, tuple) else kind) + g_value(kind, v)
    at, data = 0, b""
    for t in tensors:
        b += g_string(t["name"]) + struct.pack("<I", t.get("n_dims", len(t["dims"]))) + b"".join(struct.pack("<Q", d) for d in t["dims"])
        b += struct.pack("<IQ", t["type"], t.get("offset", at))
        data += t["data"] + b"\0" * (-len(t["data"]) % 32)
        at = len(data)
    return b + b"\0" * (-len(b) % 32) + data


def spoil_gguf(name, keys=None, tensors=None, **head):
    k, t = g_keys(), g_tensors()
    if keys:
        k.update(keys)
    if tensors:
        t = tensors(t)
    write(os.path.join(OUT, name + ".gguf"), g_file({a: v for a, v in k.items() if v}, t, **head))


def first(**fields):
    return lambda t: [{**t[0], **fields}] + t[1:]


def ggufs():
    spoil_gguf("good")
    good = read(os.path.join(OUT, "good.gguf"))
    for name, data in (("cut_body", good[:-64]), ("cut_tensors", good[:good.index(b"blk.1.") - 20]), ("cut_keys", good[:100]), ("cut_magic", good[:3]),
                       ("empty", b""), ("string_huge", good[:24] + struct.pack("<Q", 1 << 60) + good[32:])):
        write(os.path.join(OUT, "gguf_%s.gguf" % name), data)
    spoil_gguf("gguf_magic", magic=b"GGML")
    spoil_gguf("gguf_version", version=77)
    spoil_gguf("gguf_big_endian", version=0x03000000)
    spoil_gguf("gguf_tensors_huge", n_tensors=1 << 60)
    spoil_gguf("gguf_tensors_many", n_tensors=1 << 19)
    spoil_gguf("gguf_keys_huge", n_keys=1 << 60)
    spoil_gguf("gguf_keys_more", n_keys=len(g_keys()) + 1)
    spoil_gguf("gguf_array_huge", keys={"tokenizer.ggml.scores": ((ARRAY, F32), [])})
    path = os.path.join(OUT, "gguf_array_huge.gguf")
    data = read(path)
    at = data.index(b"tokenizer.ggml.scores") + len("tokenizer.ggml.scores") + 8
    write(path, data[:at] + struct.pack("<Q", 1 << 62) + data[at + 8:])
    spoil_gguf("gguf_align", keys={"general.alignment": (U32, 24)})
    spoil_gguf("gguf_offset_beyond", tensors=first(offset=1 << 40))
    spoil_gguf("gguf_offset_wraps", tensors=first(offset=(1 << 64) - 32))
    spoil_gguf("gguf_dims_overflow", tensors=first(dims=[1 << 40, 1 << 40]))
    spoil_gguf("gguf_dims_many", tensors=first(n_dims=9))
    spoil_gguf("gguf_type_unknown", tensors=first(type=10))
    spoil_gguf("gguf_tensor_missing", tensors=lambda t: t[:-1])
    spoil_gguf("gguf_arch", keys={"general.architecture": (STRING, "mamba")})
    spoil_gguf("gguf_no_vocabulary", keys={"tokenizer.ggml.tokens": None})
    more = ["x%d" % i for i in range(40)]
    larger = {"tokenizer.ggml.tokens": ((ARRAY, STRING), TOKENS + more),
              "tokenizer.ggml.scores": ((ARRAY, F32), [-float(i) for i in range(len(TOKENS + more))])}
    spoil_gguf("gguf_types_few", keys=larger)
    spoil_gguf("gguf_vocab_larger", keys={**larger, "tokenizer.ggml.token_type": ((ARRAY, I32), [2, 3, 3] + [1] * (len(TOKENS + more) - 3))})
    spoil_gguf("gguf_scores_missing", keys={"tokenizer.ggml.scores": None})
    spoil_gguf("gguf_name_hostile", tensors=lambda t: t + [{**t[-1], "name": "a\nmtbench: all is well\x1b[2J"}])
    spoil_gguf("gguf_vocab_kind", keys={"tokenizer.ggml.model": (STRING, "bert")})


folder("good")
folder("good_f32", "llama_linear")
folder("good_shards", "llama")
other = folder("good_other") + "model.safetensors"                               # the same header, another weight at the very end
data = read(other)
write(other, data[:-1] + bytes([data[-1] ^ 1]))
if "good" not in sys.argv[2:]:
    safetensors()
    configurations()
    ggufs()
