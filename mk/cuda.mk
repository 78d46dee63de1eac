# cuda.mk - the CUDA backend: where nvcc is, what it builds, how a program that the C compiler links gets it.
# NVCC=PATH names an nvcc, perhaps with words before and behind it, NVCC=none builds without one; else PATH and /usr/local/cuda are looked at.
# MTBENCH_CUDA_ARCHS lists the targets, 80 for sm_80 and so on, where nobody does all of these that nvcc knows; the last one goes in as PTX
# too, for whatever comes after it. Kernels do not depend on VARIANT: build/cuda serves all.
# The program starts where no file of NVIDIA's is: libcudart lies in it, and opens the driver only when it is asked for devices.

ifeq ($(origin NVCC),undefined)
NVCC := $(or $(shell command -v nvcc),$(wildcard /usr/local/cuda/bin/nvcc),none)
endif
ifeq ($(VARIANT),mutate)                               # tests/tools/mutate.py changes C
override NVCC := none
endif

ifneq ($(filter-out none,$(NVCC)),)
# NVCC="ccache nvcc" is one, too, and NVCC="nvcc -ccbin g++-13".
CUDA_NVCC    := $(or $(firstword $(filter %nvcc,$(NVCC))),$(lastword $(NVCC)))
# nvcc says itself where its headers and libraries lie: they are not beside it everywhere.
CUDA_PLACES  := $(shell $(CUDA_NVCC) -dryrun -x cu /dev/null 2>&1 | sed -nE 's/^\#\$$ (INCLUDES|LIBRARIES)= *//p' | tr -d '"')
CUDA_INCLUDE := $(patsubst -I%,%,$(filter -I%,$(CUDA_PLACES)))
CUDA_RUNTIME := $(firstword $(foreach d,$(patsubst -L%,%,$(filter -L%,$(CUDA_PLACES))),$(wildcard $(d)/libcudart_static.a)))
CUDA_RELEASE := $(shell $(CUDA_NVCC) --version 2>/dev/null | sed -nE 's/.*release ([0-9.]+).*/\1/p')
ifeq ($(and $(CUDA_RELEASE),$(CUDA_RUNTIME)),)
$(error NVCC=$(NVCC): no CUDA compiler with libcudart_static.a beside it; name another one, or NVCC=none builds for the CPU alone)
endif
ifneq ($(filter 9.% 10.% 11.%,$(CUDA_RELEASE)),)
$(error NVCC=$(NVCC): CUDA $(CUDA_RELEASE) is too old, 12.0 or later is needed; name another one, or NVCC=none builds for the CPU alone)
endif
CUDA_KNOWN   := $(filter-out 3% 5% 6% 7%,$(shell $(CUDA_NVCC) --list-gpu-arch 2>/dev/null | sed -n 's/^compute_//p'))
ifeq ($(origin MTBENCH_CUDA_ARCHS),undefined)
MTBENCH_CUDA_ARCHS := $(filter $(or $(CUDA_KNOWN),%),80 86 89 90 100 120)
endif
# 90a and 100f are 90 and 100 with what no later one has.
CUDA_UNKNOWN := $(if $(CUDA_KNOWN),$(strip $(foreach a,$(MTBENCH_CUDA_ARCHS),$(if $(filter $(CUDA_KNOWN),$(patsubst %a,%,$(a:%f=%))),,$(a)))))
ifneq ($(or $(CUDA_UNKNOWN),$(if $(strip $(MTBENCH_CUDA_ARCHS)),,none)),)
$(error MTBENCH_CUDA_ARCHS=$(MTBENCH_CUDA_ARCHS): CUDA $(CUDA_RELEASE) has no target $(CUDA_UNKNOWN); choose of $(CUDA_KNOWN))
endif
CUDA_IS      := $(CUDA_RELEASE) for $(MTBENCH_CUDA_ARCHS:%=sm_%)
CUDA_LIB     := build/cuda/libkernels.a
CUDA_SOURCES := $(wildcard kernels/cuda/*.cu)
# -fmad=false: an fma happens where the source says fma. A spill would be a kernel that is slow for no reason that anybody reads. The host
# side of a .cu needs no C++ library, so the C compiler can link it. Device code is not compressed: tests/tools/cuda_table reads it.
CUDA_STRICT  := $(if $(wildcard .git),-Werror all-warnings -Xcompiler -Wall$(,)-Wextra$(,)-Werror -Xptxas -Werror)
CUDA_FLAGS   := -std=c++17 -O3 -fmad=false --no-compress -Iinclude -I. -Xptxas -v,-warn-spills -Xcompiler -fPIC,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics \
    $(foreach a,$(MTBENCH_CUDA_ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) \
    $(foreach a,$(lastword $(MTBENCH_CUDA_ARCHS)),-gencode arch=compute_$(a),code=compute_$(a))

# cuBLASLt's header alone is wanted: the library is opened at run time, by --matmul cublas.
CUDA_CUBLAS := $(wildcard $(firstword $(CUDA_INCLUDE))/cublasLt.h)
CUDA_LIBS := $(CUDA_LIB) $(CUDA_RUNTIME) -ldl -lrt
$(B)/src/backend/cuda%.o: CPPFLAGS += -isystem $(firstword $(CUDA_INCLUDE))
$(B)/src/backend/executor.o $(B)/src/cmd/version.o: CPPFLAGS += -DMTB_CUDA='"$(CUDA_IS)"' $(if $(CUDA_CUBLAS),-DMTB_CUBLAS)

build/cuda/flags: force
	@mkdir -p $(@D)
	@echo '$(CUDA_IS) $(CUDA_FLAGS) $(CUDA_STRICT)' | cmp -s - $@ || echo '$(CUDA_IS) $(CUDA_FLAGS) $(CUDA_STRICT)' >$@
# What ptxas says of registers and shared memory is kept: tests/tools/cuda_table reads it.
build/cuda/%.o: kernels/cuda/%.cu build/cuda/flags
	$(NVCC) $(CUDA_FLAGS) $(CUDA_STRICT) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@ >$(@:.o=.log) 2>&1 || { grep -v '^ptxas info' $(@:.o=.log) >&2; exit 1; }
$(CUDA_LIB): $(CUDA_SOURCES:kernels/cuda/%.cu=build/cuda/%.o)
	@rm -f $@
	@ar rcs $@ $^
-include $(wildcard build/cuda/*.d)
else
CUDA_IS := none
endif

# Said when it is first decided, and when the decision changes; what was built by another is built again.
$(B)/cuda: force | $(B)
	@echo '$(CUDA_IS)' | cmp -s - $@ || { echo '$(if $(CUDA_LIB),building for the CPU and CUDA $(CUDA_IS),building for the CPU alone: $(if \
	    $(filter command line environment override,$(origin NVCC)),NVCC=none,there is no nvcc in PATH or /usr/local/cuda; NVCC=PATH names one))'; echo '$(CUDA_IS)' >$@; }
$(B)/src/backend/executor.o $(B)/src/cmd/version.o: $(B)/cuda
