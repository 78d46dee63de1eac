# A recipe for Spack. Put it into a repository of your site, and say there where the sources lie:
#   spack repo create ~/mtbench-repo mtbench; mkdir -p ~/mtbench-repo/packages/mtbench
#   cp slurm/spack/package.py ~/mtbench-repo/packages/mtbench/; spack repo add ~/mtbench-repo
#   spack dev-build mtbench@0.1.0 ~cuda            # from a checkout that you are in
#   spack install mtbench@0.1.0 +cuda cuda_arch=90 ^openmpi
try:
    from spack_repo.builtin.build_systems.cuda import CudaPackage  # Spack 1.0 and later
    from spack_repo.builtin.build_systems.makefile import MakefilePackage
except ImportError:
    pass  # before that spack.package has them

from spack.package import *


class Mtbench(MakefilePackage, CudaPackage):
    """MT-bench as one MPI program in C: answers the questions with a local model on all ranks of a job, has a judge score the answers, and shows
    the scores with their intervals. Its files are FastChat's."""

    homepage = "file:///path/to/mtbench"  # yours: the folder or server that holds the sources
    git = "file:///path/to/mtbench"

    version("main", branch="main")
    version("0.1.0", branch="main", preferred=True)

    variant("hdf5", default=True, description="campaign files (mtbench aggregate)")
    conflicts("~hdf5", msg="this version reads and writes campaign files in every build")

    depends_on("c", type="build")
    depends_on("gmake", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("cjson")
    depends_on("pcre2")
    depends_on("utf8proc")
    depends_on("hwloc")
    depends_on("openssl")
    depends_on("curl")
    depends_on("md4c")
    depends_on("hdf5~mpi", when="+hdf5")  # one process writes: the serial library does
    depends_on("cuda@12:", when="+cuda")

    conflicts("cuda_arch=none", when="+cuda", msg="say for which cards: cuda_arch=80 or later")
    for arch in ("60", "61", "62", "70", "72", "75"):
        conflicts("cuda_arch=" + arch, when="+cuda", msg="compute capability 8.0 and later")

    def settings(self):
        """What make is told: by variables that a site's environment cannot change."""
        spec = self.spec
        words = ["CC=" + spec["mpi"].mpicc]
        if "+cuda" in spec:
            words.append("NVCC=" + join_path(spec["cuda"].prefix.bin, "nvcc"))
            words.append("MTBENCH_CUDA_ARCHS=" + " ".join(spec.variants["cuda_arch"].value))
        else:
            words.append("NVCC=none")
        return words

    def build(self, spec, prefix):
        make("all", "man", *self.settings())

    def install(self, spec, prefix):
        make("install", "PREFIX=" + prefix, *self.settings())

    @run_after("install")
    def check_install(self):
        """The installed program starts, is this version, and finds what a launch of one rank needs."""
        mtbench = Executable(join_path(self.prefix.bin, "mtbench"))
        said = mtbench("--version", output=str)
        if not said.startswith("mtbench "):
            raise InstallError("mtbench --version says: " + said)
        with working_dir(self.stage.path):
            mkdirp("smoke-data")
            install_tree(join_path(self.prefix.share, "mtbench"), "smoke-data")
            mtbench("doctor", "--data-dir", "smoke-data", "--bench-name", "smoke", "--device", "cpu")

    sanity_check_is_file = ["bin/mtbench", "share/man/man1/mtbench.1", "share/mtbench/smoke/question.jsonl"]
