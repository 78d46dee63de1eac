-- Environment module for Lmod. `make install PREFIX=DIR` puts it to DIR/share/modulefiles/mtbench/VERSION.lua, and `module use
-- DIR/share/modulefiles` finds it; it takes DIR from its own place, so that the folder may be moved.
local here = myFileName()
local root = here:match("^(.*)/share/modulefiles/mtbench/[^/]*$") or LmodError("mtbench: this file belongs into DIR/share/modulefiles/mtbench")

help([[mtbench answers the MT-bench questions with a local model on all ranks of a job, judges and scores them.
  srun --mpi=pmix mtbench doctor --model-path M     is everything here that a run needs?
  mtbench --help, man mtbench]])
whatis("Name: mtbench")
whatis("Version: " .. myModuleVersion())
whatis("Description: MT-bench as one MPI program")

-- The MPI that it was built with, by the name that your site has for it:
-- depends_on("openmpi")

conflict("mtbench")
setenv("MTBENCH_ROOT", root)
prepend_path("PATH", pathJoin(root, "bin"))
prepend_path("MANPATH", pathJoin(root, "share/man"))
-- Where bash-completion looks. Unset it means these two, which must not go; they stay when the module does.
if (os.getenv("XDG_DATA_DIRS") or "") == "" then append_path("XDG_DATA_DIRS", "/usr/local/share:/usr/share") end
prepend_path("XDG_DATA_DIRS", pathJoin(root, "share"))
