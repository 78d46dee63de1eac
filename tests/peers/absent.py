"""absent.py - FastChat imports whole frameworks for parts of it that judging and reading never use."""
import importlib.abc
import importlib.machinery
import sys
from unittest import mock


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for what FastChat imports and these parts of it never use: weights, tensors, other vendors."""
    ROOTS = {"torch", "transformers", "accelerate", "peft", "anthropic", "huggingface_hub", "psutil", "sentencepiece", "einops", "shortuuid", "markdown2", "nh3"}

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.ROOTS else None

    def create_module(self, spec):
        module = mock.MagicMock(name=spec.name)
        module.__path__, module.__spec__ = [], spec
        return module

    def exec_module(self, module):
        pass


def put():
    """From now on these imports give stand-ins."""
    sys.meta_path.append(Absent())
