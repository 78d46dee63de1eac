# cudasim.mk - the CUDA kernels compiled by g++ and run on the CPU by the emulator of tests/cudasim, behind a CUDA runtime of its own.
# Three flavours of kernels, in one build: plain, check (every access is looked at), asan (ASan and UBSan).
CXX      := g++
CUDA_HEADERS := $(firstword $(patsubst %/cuda_runtime_api.h,%,$(wildcard $(addsuffix /cuda_runtime_api.h,\
    $(CUDA_INCLUDE) build/cuda-headers /usr/local/cuda/include))))
SIM      := $(B)/cudasim
CXXWARN  := -Wall -Wextra -Wshadow -Wno-unknown-pragmas -Wno-unused-function $(if $(wildcard .git),-Werror)
# The bits of a kernel must not depend on the compiler's mood: no contraction, and no assumption about types that nvcc does not make.
CXXFLAGS := -std=c++17 -Itests/cudasim -Iinclude -I. -isystem $(CUDA_HEADERS) $(CXXWARN) $(FP) -fno-strict-aliasing -fno-exceptions -pthread
SIMOPT.plain := $(OPT)
SIMOPT.check := $(OPT)
SIMOPT.asan  := $(OPT.asan)
# The checker is told of every access as the thread sanitizer would be, and of every misaligned one by the undefined one; its callbacks are ours.
KERNELOPT.check := -fsanitize=thread,alignment,bounds
CU     := $(wildcard kernels/cuda/*.cu)
SIMSRC := $(filter-out $(if $(wildcard $(CUDA_HEADERS)/cublasLt.h),,tests/cudasim/cublas.cpp),$(wildcard tests/cudasim/*.cpp))
# Its products are the host's work, in a loop over outputs.
$(SIM)/plain/tests/cudasim/cublas.o: CXXFLAGS += -ftree-vectorize -fvect-cost-model=dynamic
# Where the program asks for cuBLASLt, the emulated one is found first.
SIM_WRAP := $(if $(filter %/cublas.cpp,$(SIMSRC)),-Wl$(,)--wrap=dlopen$(,)--wrap=dlsym$(,)--wrap=dlerror)
SIM_FLAVOURS := $(if $(filter release,$(VARIANT)),plain check asan,$(if $(filter asan,$(VARIANT)),plain))

define sim_rules
$(SIM)/$(1)/%.o: %.cpp | $(B)/tools
	@mkdir -p $$(@D)
	$(CXX) $$(CXXFLAGS) $(SIMOPT.$(1)) -MMD -MP -c $$< -o $$@
$(SIM)/$(1)/%.o: %.cu | $(B)/tools
	@mkdir -p $$(@D)
	$(CXX) -x c++ $$(CXXFLAGS) $(SIMOPT.$(1)) $(KERNELOPT.$(1)) -MMD -MP -c $$< -o $$@
$(SIM)/$(1)/lib.a: $(SIMSRC:%.cpp=$(SIM)/$(1)/%.o) $(CU:%.cu=$(SIM)/$(1)/%.o)
	@rm -f $$@
	@$(ARCHIVE) $$@ $$^
# A test in C++ with kernels of its own.
$(B)/tests/cudasim/%.$(1): $(SIM)/$(1)/tests/cudasim/%.o $(SIM)/$(1)/lib.a
	@mkdir -p $$(@D)
	$(CXX) $(SIMOPT.$(1)) -pthread $$^ -o $$@
endef
$(foreach f,$(SIM_FLAVOURS),$(eval $(call sim_rules,$(f))))

# The backend, built for the emulator: its runtime has the same headers, and no nvcc is needed.
SIM_CUBLAS  := $(wildcard $(CUDA_HEADERS)/cublasLt.h)
SIM_BACKEND := $(patsubst %.c,$(SIM)/%.o,$(filter-out $(if $(SIM_CUBLAS),,src/backend/cuda_cublas%),$(wildcard src/backend/cuda*.c)) src/backend/executor.c)
$(SIM)/src/backend/%.o: src/backend/%.c | $(B)/tools
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -isystem $(CUDA_HEADERS) -DMTB_CUDA='"emulated"' $(if $(SIM_CUBLAS),-DMTB_CUBLAS) $(CFLAGS) -MMD -MP -c $< -o $@
# The CUDA executor on the emulated driver, beside the CPU's: tests/cuda/*.c. The whole program: mtbench-sim answer --device cuda.
define sim_c_rules
$(B)/tests/cuda/%$(2): tests/cuda/%.c $(SIM_BACKEND) $(REFOBJ) $(LIB) $(SIM)/$(1)/lib.a
	@mkdir -p $$(@D)
	$(CC) $$(CPPFLAGS) -isystem $(CUDA_HEADERS) -Itests -Itests/cuda $$(CFLAGS) $(3) $$(SIM_WRAP) -MMD -MP $$< $(SIM_BACKEND) $(REFOBJ) $(LIB) \
	    $(SIM)/$(1)/lib.a $$(LDLIBS) -lstdc++ -o $$@
$(B)/mtbench-sim$(2): $(B)/src/main.o $(B)/src/cmd/version.o $(SIM_BACKEND) $(LIB) $(SIM)/$(1)/lib.a
	$(CC) $$(CFLAGS) $(3) $$(SIM_WRAP) $$^ $$(LDLIBS) -lstdc++ -o $$@
endef
$(eval $(call sim_c_rules,plain,,))
ifeq ($(VARIANT),release)
$(eval $(call sim_c_rules,check,.check,))
$(eval $(call sim_c_rules,asan,.asan,-fsanitize=address$(,)undefined))
endif

SIM_HERE  := $(and $(SIM_FLAVOURS),$(CUDA_HEADERS),$(shell command -v $(CXX)))
SIM_TESTS := $(if $(SIM_HERE),$(foreach t,$(wildcard tests/cudasim/*.cu),$(SIM_FLAVOURS:%=$(B)/$(basename $(t)).%)))
# Under the checker and the sanitizers they are slower: make check runs those too, check-fast does not.
CUDA_TESTS := $(if $(SIM_HERE),$(patsubst tests/%.c,$(B)/tests/%,$(filter-out $(if $(SIM_CUBLAS),,tests/cuda/cuda_cublas.c),$(wildcard tests/cuda/*.c))))
CUDA_LOOKED_AT := $(if $(filter release,$(VARIANT)),$(CUDA_TESTS:%=%.check) $(CUDA_TESTS:%=%.asan))
TESTS += $(SIM_TESTS) $(CUDA_TESTS)
check-all: $(CUDA_LOOKED_AT)
check-fast tests-built: $(or $(strip $(SIM_TESTS) $(CUDA_TESTS)),cudasim-skipped)
.PHONY: cudasim-skipped check-cudasim
cudasim-skipped:
	@echo "tests of the CUDA kernels are skipped: they need $(CXX), and the headers of the CUDA runtime (tests/cudasim/fetch_headers)" >&2
check-cudasim: $(or $(strip $(SIM_TESTS) $(CUDA_TESTS) $(CUDA_LOOKED_AT)),cudasim-skipped)   ## the CUDA kernels on the CPU: plain, under the checker, under ASan and UBSan
	$(if $(SIM_HERE),@tests/run-tests $(SIM_TESTS) $(CUDA_TESTS) $(CUDA_LOOKED_AT))
.PHONY: bench-cuda
bench-cuda: $(B)/tests/cuda/cuda_linear.check $(B)/tests/cuda/cuda_attend.check     ## bytes, sectors and launches of the CUDA kernels, counted by the emulator
	MTB_CUDASIM=counts $(B)/tests/cuda/cuda_linear.check | grep -v '^ok'
	MTB_CUDASIM=counts $(B)/tests/cuda/cuda_attend.check | grep -v '^ok'
# For tests/run/cuda.t.
PROBES += $(if $(SIM_HERE),$(B)/mtbench-sim)
tests-built: $(if $(SIM_HERE),$(B)/mtbench-sim)
