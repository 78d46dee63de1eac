# cudasim.mk - the CUDA kernels compiled by g++ and run on the CPU by the emulator of tests/cudasim, behind a CUDA runtime of its own.
# Three flavours of kernels, in one build: plain, check (every access is looked at), asan (ASan and UBSan).
CXX      := g++
CUDA_HEADERS := $(firstword $(patsubst %/cuda_runtime_api.h,%,$(wildcard $(addsuffix /cuda_runtime_api.h,\
    $(if $(NVCC),$(dir $(NVCC))../include) /usr/local/cuda/include /usr/include build/cuda-headers))))
SIM      := $(B)/cudasim
CXXWARN  := -Wall -Wextra -Wshadow -Wno-unknown-pragmas -Wno-unused-function $(if $(wildcard .git),-Werror)
# The bits of a kernel must not depend on the compiler's mood: no contraction, and no assumption about types that nvcc does not make.
CXXFLAGS := -std=c++17 -Itests/cudasim -Iinclude -I. -isystem $(CUDA_HEADERS) $(CXXWARN) $(FP) -fno-strict-aliasing -fno-exceptions -pthread
SIMOPT.plain := $(OPT)
SIMOPT.check := -O1 -g
SIMOPT.asan  := $(OPT.asan)
# The checker is told of every access as the thread sanitizer would be, and of every misaligned one by the undefined one; its callbacks are ours.
KERNELOPT.check := -fsanitize=thread --param tsan-distinguish-volatile=0
CU     := $(wildcard kernels/cuda/*.cu)
SIMSRC := $(filter-out $(if $(wildcard $(CUDA_HEADERS)/cublasLt.h),,tests/cudasim/cublas.cpp),$(wildcard tests/cudasim/*.cpp))
# Its products are the host's work, in a loop over outputs.
$(SIM)/plain/tests/cudasim/cublas.o: CXXFLAGS += -ftree-vectorize -fvect-cost-model=dynamic
# Where the program asks for cuBLASLt, the emulated one is found first.
SIM_WRAP := $(if $(filter %/cublas.cpp,$(SIMSRC)),-Wl$(,)--wrap=dlopen$(,)--wrap=dlsym$(,)--wrap=dlerror)
SIM_FLAVOURS := $(if $(filter release,$(VARIANT)),plain asan,plain)

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
# A test in C++ with kernels of its own, and one in C that calls the backend.
$(B)/tests/cudasim/%.$(1): $(SIM)/$(1)/tests/cudasim/%.o $(SIM)/$(1)/lib.a
	@mkdir -p $$(@D)
	$(CXX) $(SIMOPT.$(1)) -pthread $$^ -o $$@
endef
$(foreach f,$(SIM_FLAVOURS),$(eval $(call sim_rules,$(f))))

SIM_TESTS := $(if $(CUDA_HEADERS),$(foreach t,$(wildcard tests/cudasim/*.cu),$(foreach f,$(SIM_FLAVOURS),$(B)/$(t:%.cu=%).$(f))))
check-fast tests-built: $(SIM_TESTS)
TESTS += $(SIM_TESTS)

# The CUDA executor on the emulated driver, beside the CPU's: tests/cuda/*.c, in C, where this build has it.
CUDA_TESTS := $(if $(CUDA_LIB),$(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/cuda/*.c)))
$(CUDA_TESTS): $(B)/tests/%: tests/%.c $(REFOBJ) $(LIB) $(SIM)/plain/lib.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests -Itests/cuda $(CFLAGS) $(SIM_WRAP) -MMD -MP $< $(REFOBJ) $(LIB) $(SIM)/plain/lib.a $(LDLIBS) -lstdc++ -o $@
check-fast tests-built: $(CUDA_TESTS)
TESTS += $(CUDA_TESTS)

# The whole program on the emulated driver, where this build has the CUDA backend: build/<variant>/mtbench-sim answer --device cuda.
$(B)/mtbench-sim: $(B)/src/main.o $(B)/src/cmd/version.o $(LIB) $(SIM)/plain/lib.a
	$(CC) $(CFLAGS) $(SIM_WRAP) $^ $(LDLIBS) -lstdc++ -o $@
