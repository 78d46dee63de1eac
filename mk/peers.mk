# peers.mk - speed beside the peers, in one run; tests/bench/run says what the parts are.
.PHONY: bench
bench: all bench-built                          ## beside llama.cpp and transformers (built first); BENCH_PARTS="decode kernels bytes server hf show browse judge records campaign"
	@mk/install-deps cmake g++ ninja-build python3 python3-pip python3-venv
	@data/fetch.sh
	@tests/bench/run
