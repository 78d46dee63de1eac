# check.mk - tests, sanitizers, fuzzing.
# Programs for tests/run/*.t: tests/mpi runs under mpirun, tests/probe alone. saboteur.so is preloaded.
PROBES := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/mpi/*.c tests/probe/*.c)) $(B)/tests/saboteur.so $(B)/tests/nvml_stub.so $(B)/tests/no_locks.so $(B)/tests/mpi_witness.so
$(B)/tests/%.so: tests/run/%.c
	@mkdir -p $(@D)
	gcc -std=gnu17 -O1 -g $(WARN) -shared -fPIC $< -ldl -o $@
$(B)/tests/mpi_witness.so: tests/run/mpi_witness.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -O1 -g $(WARN) -shared -fPIC $< -o $@
.PHONY: check check-fast asan tsan check-rooms fuzz fuzzers
RUN_TESTS := $(wildcard tests/run/*.t)
check:                                          ## install what tests need, build, run every test (what CI runs)
	@mk/install-deps $(BUILD_PACKAGES) $(DATA_PACKAGES) $(CHECK_PACKAGES)
	@mk/install-deps $(BROWSER_PACKAGES) || echo "check: no Chromium can be installed here; the test of the page in a browser will skip"
	@data/fetch.sh || echo "check: the official data or the demo model is not here; tests that need them will skip"
	@$(if $(CUDA_HEADERS),,tests/cudasim/fetch_headers)
	@$(MAKE) -s $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) check-all
.PHONY: check-all
check-all: all tests-built
	@tests/run-tests tests/check-rooms tests/fuzz-replay $(TESTS) $(CUDA_LOOKED_AT) $(RUN_TESTS)
.PHONY: tests-built
tests-built: $(TESTS) $(PROBES)
check-fast: all $(TESTS)                        ## build and run every unit and op test (no model needed)
	@tests/run-tests $(TESTS)
check-%:                                        ## one test by name: make check-tokenizer, check-linear, check-answer ...
	@t=$$(ls tests/unit/$*.c tests/ops/$*.c tests/cuda/$*.c tests/run/$*.t 2>/dev/null | head -1); test -n "$$t" || { echo "no test named $*"; exit 1; }; \
	case $$t in *.c) $(MAKE) -s $(B)/$${t%.c} && tests/run-tests $(B)/$${t%.c};; *) $(MAKE) -s all $(PROBES) $(if $(filter gpu_check make_model,$*),$(GPU_TOOLS) $(SIM_TOOLS)) && VARIANT=$(VARIANT) tests/run-tests $$t;; esac
check-rooms:                                    ## who includes whose headers
	@tests/check-rooms
.PHONY: check-browser
check-browser: all                              ## the page in a real Chromium: the test of make check, figures of a page of 31 models, screenshots
	@mk/install-deps $(BROWSER_PACKAGES)
	@BROWSER=long VARIANT=$(VARIANT) tests/run-tests tests/run/browser.t
.PHONY: check-peers
check-peers: all                                ## judge with llama.cpp's llama-server, which is built first (some ten minutes)
	@mk/install-deps cmake g++ ninja-build python3 python3-pip
	@data/fetch.sh
	@tests/bench/build_llama native
	@tests/run-tests tests/peers/llama_server.t
asan:                                           ## the fast tests under ASan and UBSan
	$(MAKE) VARIANT=asan check-fast
tsan:                                           ## the fast tests under TSan
	$(MAKE) VARIANT=tsan check-fast

# Fuzz targets: tests/fuzz/<parser>.c with LLVMFuzzerTestOneInput; corpus in tests/fuzz/corpus/<parser>/.
FUZZ_SECONDS ?= 60
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
FUZZFLAGS := -std=gnu17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined $(FP) -pthread
NOT_FUZZED := src/model/forward.c src/model/team.c src/judge/local.c src/judge/forced.c      # these need the engine
FUZZED := $(patsubst %.c,build/fuzz/obj/%.o,$(filter src/base/% src/text/% src/bench/% src/model/% src/judge/% src/report/%,$(filter-out $(NOT_FUZZED),$(SRC))))
build/fuzz/obj/%.o: %.c $(wildcard include/mtbench/*.h src/*/*.h)
	@mkdir -p $(@D)
	clang $(CPPFLAGS) $(FUZZFLAGS) -fsanitize=fuzzer-no-link -c $< -o $@
build/fuzz/%: tests/fuzz/%.c $(FUZZED)
	clang $(CPPFLAGS) $(FUZZFLAGS) -fsanitize=fuzzer $^ $(LDLIBS) -o $@
fuzz-%: build/fuzz/%                            ## fuzz one parser for FUZZ_SECONDS
	@mkdir -p build/fuzz/found/$* tests/fuzz/corpus/$*
	build/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/found/$*/ build/fuzz/found/$* tests/fuzz/corpus/$*
fuzz: $(FUZZERS:%=fuzz-%)                       ## all fuzzers, one after the other
fuzzers: $(FUZZERS:%=build/fuzz/%)              ## build every fuzzer
