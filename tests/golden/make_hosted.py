#!/usr/bin/env python3
"""tests/golden/hosted.jsonl: the system messages that FastChat sends to hosted models by their names (package fschat 0.2.36, run by the Python that
`tests/peers/venv judge` prints). Lines: [model, template, bytes, first 16 hex digits of SHA-256 of the system message], two names for each template:
the names of conversations.jsonl, and the package's lists of hosted ones."""
import hashlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../peers"))
import fastchat_judge

sys.meta_path.append(fastchat_judge.Absent())
from fastchat.model.model_adapter import ANTHROPIC_MODEL_LIST, OPENAI_MODEL_LIST, get_conversation_template

names = [*OPENAI_MODEL_LIST, *ANTHROPIC_MODEL_LIST, "azure-gpt-4", "azure-gpt-35-turbo", "my-model", "bard", "gemini-pro", "pplx-7b-online"]
with open(os.path.join(HERE, "conversations.jsonl")) as f:
    names += [x[1] for x in map(json.loads, f) if x[0] == "rule"]
seen = {}
with open(os.path.join(HERE, "hosted.jsonl"), "w") as f:
    for i, name in enumerate(names):
        c = get_conversation_template(name)
        seen[c.name] = seen.get(c.name, 0) + 1
        if i < len(OPENAI_MODEL_LIST) + len(ANTHROPIC_MODEL_LIST) or seen[c.name] <= 2:
            text = c.system_message.encode()
            f.write(json.dumps([name, c.name, len(text), hashlib.sha256(text).hexdigest()[:16]]) + "\n")
