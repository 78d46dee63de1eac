# gpu.mk - programs that tests/gpu/check runs on a machine with a GPU.
GPU_TOOLS := $(patsubst tests/gpu/%.c,$(B)/tests/gpu/%,$(wildcard tests/gpu/*.c))
.PHONY: gpu-tools
gpu-tools: $(GPU_TOOLS)
