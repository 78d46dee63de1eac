# bench.mk - benchmarks; they time, they never fail for being slow.
.PHONY: bench-attend bench-linear bench-lowrank bench-built
PEAK := $(foreach i,avx512 avx2 plain,$(B)/tests/bench/peak.$(i).o)
BENCHES := attention linear lowrank decode records
$(PEAK): $(B)/tests/bench/peak.%.o: tests/bench/peak.c tests/bench/peak.h kernels/cpu/simd.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(KOPT) $(ISA.$*) -DMTB_ISA=$* -DMTB_ISA_$* -c $< -o $@
$(BENCHES:%=$(B)/tests/bench/%): $(B)/tests/bench/%: tests/bench/%.c $(B)/tests/bench/machine.o $(PEAK) $(LIB) $(CUDA_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/bench $(CFLAGS) -MMD -MP $< $(B)/tests/bench/machine.o $(PEAK) $(LIB) $(CUDA_LIBS) $(LDLIBS) -o $@
bench-attend: $(B)/tests/bench/attention           ## attention and its neighbours: GB/s, GFLOP/s, beside what the machine can do
	$< $(BENCH_ARGS)
bench-linear: $(B)/tests/bench/linear              ## the products by weight type and rows: GFLOP/s beside the FMA peak
	$< $(BENCH_ARGS)
bench-lowrank: $(B)/tests/bench/lowrank            ## an adapter's change of weights while they are loaded: GFLOP/s, seconds for a 7B model
	$< $(BENCH_ARGS)
bench-built: $(BENCHES:%=$(B)/tests/bench/%) $(B)/tests/bench/late
