"""torch_file.py - writes PyTorch's weight files (.bin) as torch.save does, without torch: `save(path, tensors)`. Standard library only.
A zip archive whose members are stored, not deflated, and lie at multiples of 64; sizes and sums stand behind a member and in the central directory,
in zip64 fields where 4 GiB do not suffice. data.pkl is pickled by Python's own pickler, so its bytes are torch's (tests/golden/make_miniatures.py)."""
import collections, io, os, pickle, struct, sys, types, zlib

STORAGE = {"F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "BOOL": "BoolStorage", "U8": "ByteStorage", "I64": "LongStorage"}
WIDTH = {"F32": 4, "F16": 2, "BF16": 2, "BOOL": 1, "U8": 1, "I64": 8}
ALIGN, WIDE = 64, 0xFFFFFFFF


# ---- the pickle ----

def stand_in(module, name):
    """A class that pickles by the name that torch's has."""
    known = sys.modules.setdefault(module, types.ModuleType(module))
    if not hasattr(known, name):
        setattr(known, name, type(name, (), {"__module__": module}))
    return getattr(known, name)


class Storage:
    def __init__(self, kind, key, count):
        self.persistent = ("storage", stand_in("torch", STORAGE[kind]), key, "cpu", count)


class Tensor:
    def __init__(self, storage, offset, shape, stride):
        self.parts = (storage, offset, tuple(shape), tuple(stride), False, collections.OrderedDict())

    def __reduce__(self):
        return stand_in("torch._utils", "_rebuild_tensor_v2"), self.parts


class Pickler(pickle.Pickler):
    def persistent_id(self, x):
        return x.persistent if isinstance(x, Storage) else None


def strides(shape):
    out = [1] * len(shape)
    for i in range(len(shape) - 1, 0, -1):
        out[i - 1] = out[i] * shape[i]
    return out


def count(shape):
    n = 1
    for x in shape:
        n *= x
    return n


def pickled(tensors):
    out, state = io.BytesIO(), {}
    for i, (name, kind, shape, _) in enumerate(tensors):
        state[name] = Tensor(Storage(kind, str(i), count(shape)), 0, shape, strides(shape))
    Pickler(out, protocol=2).dump(state)
    return out.getvalue()


# ---- the archive ----

class Archive:
    def __init__(self, path):
        self.stem, self.file, self.directory, self.n = os.path.splitext(os.path.basename(path))[0], open(path, "wb"), b"", 0

    def add(self, name, chunks):
        """Member 'name' of the bytes that 'chunks' gives one after the other."""
        name, at = f"{self.stem}/{name}".encode(), self.file.tell()
        pad = -(at + 30 + len(name) + 4) % ALIGN
        self.file.write(struct.pack("<IHHHHHIIIHH", 0x04034B50, 0, 0x808, 0, 0, 0, 0, 0, 0, len(name), 4 + pad) + name + b"FB" + struct.pack("<H", pad) + b"Z" * pad)
        crc = size = 0
        for chunk in chunks:
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            self.file.write(chunk)
        assert size < WIDE, "a member of 4 GiB is more than is written here"
        self.file.write(struct.pack("<IIII", 0x08074B50, crc, size, size))
        extra = struct.pack("<HHQ", 1, 8, at) if at >= WIDE else b""
        self.directory += struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 0, 0, 0x808, 0, 0, 0, crc, size, size, len(name), len(extra), 0, 0, 0, 0, min(at, WIDE)) + name + extra
        self.n += 1

    def close(self):
        at, size = self.file.tell(), len(self.directory)
        self.file.write(self.directory + struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 0x031E, 45, 0, 0, self.n, self.n, size, at))
        self.file.write(struct.pack("<IIQI", 0x07064B50, 0, at + size, 1) + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, self.n, self.n, size, min(at, WIDE), 0))
        self.file.close()


def save(path, tensors):
    """tensors: a list of (name, kind, shape, bytes or an iterable of them)."""
    a = Archive(path)
    a.add("data.pkl", [pickled(tensors)])
    for i, (_, _, _, data) in enumerate(tensors):
        a.add(f"data/{i}", [data] if isinstance(data, (bytes, bytearray)) else data)
    a.add("version", [b"3\n"])
    a.close()
