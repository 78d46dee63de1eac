#!/usr/bin/env python3
"""tests/golden/browser_text.jsonl: what FastChat's qa_browser makes of texts of our own. Run it by the Python that `tests/peers/venv judge` prints."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
peer = os.path.join(ROOT, "..", "peers", "fastchat_browser.py")
with open(os.path.join(ROOT, "browser_text.jsonl"), "wb") as f:
    subprocess.run([sys.executable, "-B", peer], stdout=f, check=True)
