# bench.mk - benchmarks; they time, they never fail for being slow.
.PHONY: bench-attend
PEAK := $(foreach i,avx512 avx2 plain,$(B)/tests/bench/peak.$(i).o)
$(PEAK): $(B)/tests/bench/peak.%.o: tests/bench/peak.c tests/bench/peak.h kernels/cpu/simd.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(KOPT) $(ISA.$*) -DMTB_ISA=$* -DMTB_ISA_$* -c $< -o $@
$(B)/tests/bench/%: tests/bench/%.c $(PEAK) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/bench $(CFLAGS) -MMD -MP $< $(PEAK) $(LIB) $(LDLIBS) -o $@
bench-attend: $(B)/tests/bench/attention           ## attention and its neighbours: GB/s, GFLOP/s, beside what the machine can do
	$< $(BENCH_ARGS)
