#!/usr/bin/env python3
"""Goldens for the tokenizer test: small tokenizers trained here, and what Hugging Face's `tokenizers` makes of hard strings.

Writes tests/golden/tokenizers/strings.jsonl and, per kind, KIND.json (the tokenizer) and KIND.ids (a SHA-256 per 50 strings over
"ids newline decoded text" of each); per name of NAMED only NAME.ids, by gpt2.json with another pre-tokenizer, for what GGUF files call so.
Needs the package tokenizers (0.21 or later). make_tokenizers.py --named makes those only."""
import hashlib, json, os, random, sys
from tokenizers import Tokenizer, Regex, AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tokenizers")
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def strings(n=2000):
    r = random.Random(7)
    parts = ["the", " quick", "brown", " Fox's", "don't", " I'LL", "we've", "123", " 4567890", "3.14", "0x1F", "\n", "\n\n", "\r\n", "\t", "  ", "    ", " ",
             "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|im_", "é", "e\u0301", "ü", "ß", "Ä", "中文", "日本語のテキスト", "한국어", "العربية", "עברית",
             "हिन्दी", "ไทย", "🙂", "👩‍👩‍👧", "🏳️‍🌈", "\u200b", "\u00a0", "\u3000", "\ufeff", "½", "²", "Ⅳ", "٣", "ﬁ", "ǅ", "_", "__init__", "def f(x):",
             "return x**2;", "{", "}", "[[1, 2]]", "#include <stdio.h>", "// c", "http://a.b/c?d=e&f", "a@b.de", "...", "!!!", "?!", "\"", "'", "`", "“”", "—",
             "A", "aA", "ABC", "Zz", "\u0000"[:0], "\x7f", "\x01", "x\u0338", "\U0001f1e9\U0001f1ea", "\ud7ff", "\ue000", "▁", " ▁x", "aaaaaaaaaaaaaaaa", "1" * 20]
    out = []
    for i in range(n):
        k = r.choice([1, 2, 3, 5, 8, 13])
        s = "".join(r.choice(parts) for _ in range(k))
        if i % 7 == 0:
            s = "".join(chr(r.choice([r.randrange(32, 127), r.randrange(160, 0x250), r.randrange(0x370, 0x1000), r.randrange(0x4e00, 0x5000),
                                      r.randrange(0x1f300, 0x1f700)])) for _ in range(k * 3))
        out.append(s)
    return out + ["", " ", "  a", "a ", "<s>", " <s> x", "a<|im_end|>b"]


def corpus():
    r = random.Random(3)
    words = "time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work government number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city name the of and to in is it that for was on are as with they be at one have this from by hot but some what there we can out other were all your when use how said each she which their will way many then them would like so these her long make see him two has more day could go come did sound no most over know than call first who may down been now find any new".split()
    for _ in range(4000):
        s = " ".join(r.choice(words) for _ in range(12))
        yield (s[0].upper() + s[1:] + r.choice([".", "!", "?\n", ", 12 345.", "  x = y;\n", "\n\n"])) + r.choice(["", " Größe", " naïve", " 中文字", " it's we'll"])


SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<s>", "</s>"]


def byte_level(pre, norm=None, ignore=False, bos=False, vocab=1200):
    t = Tokenizer(models.BPE(ignore_merges=ignore))
    if norm:
        t.normalizer = norm
    t.pre_tokenizer = pre
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=vocab, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    if bos:
        t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", t.token_to_id("<s>"))])])
    return t


def split(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def sentencepiece(legacy):
    t = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    special = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]) if legacy else None
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    if legacy:
        t.pre_tokenizer = pre_tokenizers.Sequence([])
    trained = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trained.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=1400, special_tokens=special, show_progress=False))
    j = json.loads(trained.to_str())
    j["added_tokens"] = [a for a in j["added_tokens"] if a["content"] in ("<unk>", "<s>", "</s>")]
    j["normalizer"] = json.loads(t.to_str())["normalizer"]
    j["pre_tokenizer"] = None if legacy else json.loads(t.to_str())["pre_tokenizer"]
    j["decoder"] = {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                                                     {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    j["post_processor"] = json.loads(processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]).__getstate__())
    return Tokenizer.from_str(json.dumps(j))


def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.NFKC()
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    t.decoder = decoders.Metaspace()
    t.train_from_iterator(corpus(), trainers.UnigramTrainer(vocab_size=800, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False))
    return t


KINDS = {
    "gpt2": lambda: byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "llama3": lambda: byte_level(split(LLAMA3), ignore=True, bos=True),
    "qwen2": lambda: byte_level(split(QWEN2), norm=normalizers.NFC()),
    "smollm": lambda: byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])),
    "llama2": lambda: sentencepiece(True),
    "mistral": lambda: sentencepiece(False),
    "unigram": unigram,
}


UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LEAD, SHORT = r"[^\r\n\p{L}\p{N}]?", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"


def sequence(*patterns):
    steps = [pre_tokenizers.Split(Regex(p), "isolated") if isinstance(p, str) else p for p in patterns]
    return pre_tokenizers.Sequence(steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


# Mistral Nemo, GPT-4o, DeepSeek Coder and V3: the pre-tokenizers of their tokenizer.json; whether whole words skip the merges.
NAMED = {
    "tekken": (sequence(f"{LEAD}{UPPER}*{LOWER}+|{LEAD}{UPPER}+{LOWER}*" + r"|\p{N}" + TAIL), True),
    "gpt-4o": (sequence(f"{LEAD}{UPPER}*{LOWER}+{SHORT}|{LEAD}{UPPER}+{LOWER}*{SHORT}" + r"|\p{N}{1,3}" + TAIL), False),
    "deepseek-coder": (sequence(r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+", pre_tokenizers.Digits(individual_digits=True)), False),
    "deepseek-v3": (sequence(r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
                             r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), False),
}


def write_ids(path, t, texts):
    with open(path, "w") as f:
        for i in range(0, len(texts), 50):
            h = hashlib.sha256()
            for s in texts[i:i + 50]:
                ids = t.encode(s).ids
                h.update((" ".join(map(str, ids)) + "\n" + t.decode(ids, skip_special_tokens=False) + "\n").encode())
            f.write(h.hexdigest() + "\n")


def write_named(texts):
    for name, (pre, whole_words) in NAMED.items():
        t = Tokenizer.from_file(os.path.join(HERE, "gpt2.json"))
        t.pre_tokenizer = pre
        t.model.ignore_merges = whole_words
        write_ids(os.path.join(HERE, name + ".ids"), t, texts)


def main():
    os.makedirs(HERE, exist_ok=True)
    texts = strings()
    if sys.argv[1:] == ["--named"]:
        return write_named(texts)
    with open(os.path.join(HERE, "strings.jsonl"), "w") as f:
        for s in texts:
            f.write(json.dumps(s) + "\n")
    for kind, make in KINDS.items():
        t = make()
        t.save(os.path.join(HERE, kind + ".json"), pretty=False)
        t = Tokenizer.from_file(os.path.join(HERE, kind + ".json"))
        write_ids(os.path.join(HERE, kind + ".ids"), t, texts)
        if len(sys.argv) > 1:
            with open(os.path.join(sys.argv[1], kind + ".full"), "w") as f:
                for s in texts:
                    ids = t.encode(s).ids
                    f.write(json.dumps([s, ids, t.decode(ids, skip_special_tokens=False)]) + "\n")
    write_named(texts)


main()
