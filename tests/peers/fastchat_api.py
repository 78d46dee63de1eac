#!/usr/bin/env python3
"""fastchat_api.py FLAGS... - FastChat's own gen_api_answer in the folder that holds data/, over its own HTTP client (openai 0.28)."""
import runpy
import sys

import absent

absent.put()
import shortuuid

shortuuid.uuid = lambda: "x"
sys.argv = ["gen_api_answer.py", *sys.argv[1:]]
runpy.run_module("fastchat.llm_judge.gen_api_answer", run_name="__main__")
