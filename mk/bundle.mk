# bundle.mk - the program with all it needs in one folder, for machines that have nothing.
BUNDLE := $(B)/bundle/mtbench-$(VERSION)-$(shell uname -m)
.PHONY: bundle
bundle: all                                     ## program, Open MPI and all libraries but glibc's and CUDA's in one folder and its .tar.gz
	@mk/install-deps patchelf
	@mk/bundle '$(BUNDLE)' $(B)/mtbench $(BUNDLE_PROGRAMS)
	@$(BUNDLE)/bin/mtbench --version >/dev/null
	@tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || date +%s)} \
	    -C $(B)/bundle -cf - $(notdir $(BUNDLE)) | gzip -9n >$(BUNDLE).tar.gz
	@du -sh --apparent-size $(BUNDLE) $(BUNDLE).tar.gz
