# slurm.mk - the scripts of slurm/ on a private Slurm of virtual nodes (tests/slurm/lab).
.PHONY: check-slurm
check-slurm: all $(PROBES)                      ## slurm/*.sbatch on a private Slurm: arrays, limits, requeues, dead nodes and controllers
	@mk/install-deps $(SLURM_PACKAGES)
	@VARIANT=$(VARIANT) tests/run-tests tests/run/slurm.t $(wildcard tests/slurm/*.t)
