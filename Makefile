# mtbench: MT-bench as one MPI program. `make help` lists the targets.
# Variants live side by side in build/<variant>; features are variables with a visible answer.

VARIANT ?= release
B       := build/$(VARIANT)
ARCHIVE ?= ar rcs
CC      := $(shell command -v mpicc 2>/dev/null || echo cc)
PREFIX  ?= /usr/local
VERSION := 0.1.0
# Of this tree, not of one that it was unpacked in.
GIT_ID  := $(or $(if $(wildcard .git),$(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)),unknown)

.DEFAULT_GOAL := all
, := ,
PKGS     := libcjson libpcre2-8 libutf8proc hwloc libcrypto libcurl md4c-html md4c hdf5
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith $(if $(wildcard .git),-Werror)
OPT.release := -O2 -g
OPT.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT.tsan    := -O1 -g -fsanitize=thread
OPT.mutate  := -O1 -fPIC                                 # tests/tools/mutate.py: one shared library under all tests
OPT      := $(or $(OPT.$(VARIANT)),$(error VARIANT=$(VARIANT): there are release, asan, tsan and mutate))
# -ffp-contract=off: an fma happens where the source says fma, so every instruction set and compiler gives the same bits.
FP       := -ffp-contract=off -fno-fast-math
CPPFLAGS := -Iinclude -I. -D_GNU_SOURCE -DMTB_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS   := -std=gnu17 $(OPT) $(WARN) $(FP) $(if $(filter mutate,$(VARIANT)),,-fvisibility=hidden) -pthread
LDLIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm -pthread

# Sanitizers blow unrolled kernels up; compiling them with -O3 takes minutes per file, and the bits are the same.
KOPT     := $(if $(filter release,$(VARIANT)),-O3) -fno-trapping-math
ISA.avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mprefer-vector-width=512
ISA.avx2   := -mavx2 -mfma -mf16c
ISA.plain  :=

include mk/cuda.mk
SRC   := $(filter-out src/cmd/version.c $(if $(CUDA_LIB),,$(wildcard src/backend/cuda*.c)) $(if $(CUDA_CUBLAS),,$(wildcard src/backend/cuda_cublas*.c)),$(wildcard src/*/*.c))
KSRC  := $(wildcard kernels/cpu/*.c)
REF   := $(wildcard kernels/ref/*.c)
OBJ   := $(SRC:%.c=$(B)/%.o)
KOBJ  := $(foreach i,avx512 avx2 plain,$(KSRC:kernels/cpu/%.c=$(B)/kernels/cpu/%.$(i).o))
LIB   := $(B)/libmtbench.a
REFOBJ := $(REF:%.c=$(B)/%.o)
TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c tests/ops/*.c))

.PHONY: all force
all: mtbench                                    ## build ./mtbench (the default)
mtbench: $(B)/mtbench
	@cp -f $< $@.new && mv -f $@.new $@
$(B)/mtbench: $(B)/src/main.o $(B)/src/cmd/version.o $(LIB) $(CUDA_LIB)
	$(CC) $(CFLAGS) $(filter %.o,$^) $(LIB) $(CUDA_LIBS) $(LDLIBS) -o $@
$(LIB): $(OBJ) $(KOBJ)
	@rm -f $@
	@$(ARCHIVE) $@ $^

# What is missing in one line, before a compiler complains about the first header.
$(B)/tools: | $(B)
	@echo '#include <mpi.h>' | $(CC) -E -x c - >/dev/null 2>&1 || \
	    { echo 'make: $(CC): no MPI compiler; "make deps" installs what Debian has, a cluster has a module, CC=... names another' >&2; exit 1; }
	@pkg-config --print-errors --exists $(filter-out hdf5,$(PKGS)) || \
	    { echo 'make: a library is missing; "make deps" installs the Debian packages, PKG_CONFIG_PATH=... names other places' >&2; exit 1; }
	@pkg-config --exists hdf5 || \
	    { echo 'make: HDF5 is missing; install libhdf5-dev ("make deps" does), or PKG_CONFIG_PATH=... names the folder of a serial hdf5.pc' >&2; exit 1; }
	@touch $@
$(B):
	@mkdir -p $@
# Changes when the commit does, and version.c with it.
$(B)/git_id: force | $(B)
	@echo '$(GIT_ID)' | cmp -s - $@ || echo '$(GIT_ID)' >$@
$(B)/src/cmd/version.o: $(B)/git_id

$(B)/%.o: %.c | $(B)/tools
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA.$(<F)) -MMD -MP -c $< -o $@
# What the assembler takes in (.incbin), no compiler tells of.
$(B)/src/report/page_files.o: $(wildcard src/report/page/*)
$(B)/src/report/paper.o: src/report/report.css
define kernel_rule
$(B)/kernels/cpu/%.$(1).o: kernels/cpu/%.c | $(B)/tools
	@mkdir -p $$(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(KOPT) $(ISA.$(1)) -DMTB_ISA=$(1) -DMTB_ISA_$(1) -MMD -MP -c $$< -o $$@
endef
$(foreach i,avx512 avx2 plain,$(eval $(call kernel_rule,$(i))))
EXTRA.version.c = -DMTB_GIT_ID='"$(GIT_ID)"' -DMTB_BUILD_FLAGS='"$(VARIANT): $(OPT)"' -DMTB_MD4C='"$(shell pkg-config --modversion md4c 2>/dev/null)"'

$(B)/tests/%: tests/%.c $(REFOBJ) $(LIB) $(CUDA_LIB)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -MMD -MP $< $(REFOBJ) $(LIB) $(CUDA_LIBS) $(LDLIBS) -o $@

include $(filter-out mk/cuda.mk,$(wildcard mk/*.mk))
-include $(shell find $(B) -name '*.d' 2>/dev/null)
.SECONDARY:
