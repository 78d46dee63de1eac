"""What the records of a large campaign cost: seconds of work of tests/bench/records.c; each figure belongs below 2 s."""
import os, subprocess

from peer import BENCHES, need


def main():
    subprocess.run([need(os.path.join(BENCHES, "records"), "make bench-built builds it")], check=True)
