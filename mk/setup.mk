# setup.mk - from a bare Debian machine to answers, and to installed files.
BUILD_PACKAGES := gcc libc6-dev make pkg-config libopenmpi-dev openmpi-bin libcjson-dev libpcre2-dev libutf8proc-dev libhwloc-dev libssl-dev libcurl4-openssl-dev libmd4c-dev libmd4c-html0-dev libhdf5-dev
DATA_PACKAGES  := python3 python3-pip ca-certificates
SLURM_PACKAGES := slurm-wlm munge
BROWSER_PACKAGES := chromium chromium-driver
CHECK_PACKAGES := groff-base bc clang g++ hdf5-tools libclang-rt-14-dev python3 patchelf mpich libmpich-dev iproute2 procps $(SLURM_PACKAGES)
MODEL          ?= data/models/SmolLM2-135M-Instruct.Q4_1.gguf
MODEL_ID       ?= smollm2-135m
RANKS          ?= 2
# The judge of the quickstart is the demo model itself: it shows the way, its scores mean nothing.
JUDGE          ?= --judge-model $(MODEL_ID)-judge --judge-path $(MODEL) --judge-constrained --judge-max-tokens 64

# Open MPI refuses root and more ranks than cores unless told; both are right on a small machine or in a container.
MPIRUN := $(if $(filter 0,$(shell id -u)),OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1) mpirun --oversubscribe

.PHONY: quickstart deps data install clean
quickstart:                                     ## install packages, build, fetch data and a demo model, answer all 80 questions, judge them, write the page
	@mk/install-deps $(BUILD_PACKAGES) $(DATA_PACKAGES)
	@$(MAKE) -s all
	@data/fetch.sh
	$(MPIRUN) -n $(RANKS) ./mtbench run --model-path $(MODEL) --model-id $(MODEL_ID) $(JUDGE)
	./mtbench browse -o data/mt_bench/page.html
deps:                                           ## install the Debian packages that building and testing need
	@mk/install-deps $(BUILD_PACKAGES) $(DATA_PACKAGES) $(CHECK_PACKAGES)
data:                                           ## fetch and verify the official data and the demo model
	@mk/install-deps $(DATA_PACKAGES)
	@data/fetch.sh
# Pages from the tables that --help prints: the manual, and what shells complete.
.PHONY: man
man: $(B)/mtbench.1 $(B)/mtbench.bash $(B)/_mtbench         ## make the manual page and the completions of bash and zsh, in build/
$(B)/mtbench.1 $(B)/mtbench.bash $(B)/_mtbench &: $(B)/mtbench
	@$(B)/mtbench --man >$(B)/mtbench.1
	@$(B)/mtbench --completion bash >$(B)/mtbench.bash
	@$(B)/mtbench --completion zsh >$(B)/_mtbench
install: all man                                ## install the program, its pages and the data set that ships under PREFIX
	install -Dm755 mtbench $(DESTDIR)$(PREFIX)/bin/mtbench
	install -Dm644 $(B)/mtbench.1 $(DESTDIR)$(PREFIX)/share/man/man1/mtbench.1
	install -Dm644 $(B)/mtbench.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mtbench
	install -Dm644 $(B)/_mtbench $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_mtbench
	install -Dm644 slurm/modules/mtbench.tcl $(DESTDIR)$(PREFIX)/share/modulefiles/mtbench/$(VERSION)
	install -Dm644 slurm/modules/mtbench.lua $(DESTDIR)$(PREFIX)/share/modulefiles/mtbench/$(VERSION).lua
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/mtbench/smoke data/smoke/*.jsonl
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/mtbench/smoke/reference_answer data/smoke/reference_answer/*.jsonl
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/mtbench data/prices.txt data/pregenerated.txt
clean:                                          ## remove everything that was built
	rm -rf build mtbench
help:                                           ## this list
	@grep -hE '^[a-z%-]+:.*##' Makefile mk/*.mk | sed -E 's/^([a-z%-]+):.*## */\1\t/' | expand -t 20
