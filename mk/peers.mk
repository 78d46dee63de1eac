# peers.mk - speed beside the peers, in one run.
.PHONY: bench
bench: all                                      ## mtbench beside llama-server on the same model (builds llama.cpp first)
	@mk/install-deps cmake g++ python3 python3-pip
	@data/fetch.sh
	@MODEL=$(MODEL) tests/bench/run
