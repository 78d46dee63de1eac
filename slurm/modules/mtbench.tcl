#%Module1.0
# Environment module for Environment Modules (and Lmod). `make install PREFIX=DIR` puts it to DIR/share/modulefiles/mtbench/VERSION, and
# `module use DIR/share/modulefiles` finds it; it takes DIR from its own place, so that the folder may be moved.
set root [file normalize [file join [file dirname $ModulesCurrentModulefile] .. .. ..]]

proc ModulesHelp { } {
    puts stderr "mtbench answers the MT-bench questions with a local model on all ranks of a job, judges and scores them."
    puts stderr "  srun --mpi=pmix mtbench doctor --model-path M     is everything here that a run needs?"
    puts stderr "  mtbench --help, man mtbench"
}
module-whatis "MT-bench as one MPI program"

# The MPI that it was built with, by the name that your site has for it:
# prereq openmpi

conflict mtbench
setenv MTBENCH_ROOT $root
prepend-path PATH $root/bin
prepend-path MANPATH $root/share/man
# Where bash-completion looks. Unset it means these two, which must not go; they stay when the module does.
if {![info exists env(XDG_DATA_DIRS)] || $env(XDG_DATA_DIRS) eq ""} { append-path XDG_DATA_DIRS /usr/local/share:/usr/share }
prepend-path XDG_DATA_DIRS $root/share
