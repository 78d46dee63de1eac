# gpu.mk - what tests/gpu/check runs on a card: its tools, and the tests of the CUDA executor that the emulator runs, linked for a card.
GPU_SOURCES := $(wildcard tests/gpu/*.c)
GPU_TOOLS   := $(GPU_SOURCES:%.c=$(B)/%)
ifneq ($(CUDA_LIB),)
GPU_TOOLS   += $(B)/tests/gpu/ceilings $(patsubst tests/cuda/%.c,$(B)/tests/gpu/%.gpu,$(wildcard tests/cuda/*.c))
endif
# For a rehearsal of the check on the emulated driver.
SIM_TOOLS   := $(if $(or $(SIM_HERE),$(CUDA_LIB)),$(addprefix $(B)/,mtbench-sim tests/gpu/make_model tests/gpu/ceilings.sim tests/gpu/speed.sim tests/gpu/same.sim))

.PHONY: gpu-tools
gpu-tools: $(GPU_TOOLS)                         ## what tests/gpu/check runs on a GPU
tests-built: $(GPU_TOOLS) $(SIM_TOOLS)
bundle: $(GPU_TOOLS)
BUNDLE_PROGRAMS = $(GPU_TOOLS)

# Without the emulator's hooks, by which the tests know that they run on a card (tests/cuda/side.h).
$(B)/tests/gpu/%.gpu: tests/cuda/%.c $(REFOBJ) $(LIB) $(CUDA_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests -Itests/cuda $(CFLAGS) -MMD -MP $< $(REFOBJ) $(LIB) $(CUDA_LIBS) $(LDLIBS) -o $@
$(B)/tests/gpu/ceilings: build/cuda/ceilings.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $< $(CUDA_RUNTIME) -ldl -lrt -o $@
build/cuda/ceilings.o: tests/gpu/ceilings.cu kernels/cuda/simt.h build/cuda/flags
	$(NVCC) $(CUDA_FLAGS) $(CUDA_STRICT) -c $< -o $@ >$(@:.o=.log) 2>&1 || { grep -v '^ptxas info' $(@:.o=.log) >&2; exit 1; }
$(B)/tests/gpu/ceilings.sim: $(SIM)/plain/tests/gpu/ceilings.o $(SIM)/plain/lib.a
	@mkdir -p $(@D)
	$(CXX) $(SIMOPT.plain) -pthread $^ -o $@
$(B)/tests/gpu/%.sim: tests/gpu/%.c $(SIM_BACKEND) $(LIB) $(SIM)/plain/lib.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(SIM_WRAP) -MMD -MP -MF $@.d $< $(SIM_BACKEND) $(LIB) $(SIM)/plain/lib.a $(LDLIBS) -lstdc++ -o $@
