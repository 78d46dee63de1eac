#!/usr/bin/env python3
"""fastchat_prompts.py NAME FILE: what FastChat's own get_prompt() writes for the conversations of FILE (each line a JSON list of {role, content}),
one JSON string a line."""
import json
import sys

from fastchat.conversation import get_conv_template

for line in open(sys.argv[2], encoding="utf-8"):
    c = get_conv_template(sys.argv[1])
    for m in json.loads(line):
        c.append_message(c.roles[m["role"] == "assistant"], m["content"])
    c.append_message(c.roles[1], None)
    print(json.dumps(c.get_prompt()))
