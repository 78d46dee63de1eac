"""A check for ReFrame: is what mtbench computes right on this machine, and how fast is it?

    reframe -c slurm/reframe/mtbench.py -r -S mtbench_check.model=/models/m.gguf
    reframe ... -S mtbench_check.num_tasks=8 -S mtbench_check.num_tasks_per_node=4 -S mtbench_check.device=cuda
    reframe ... -S mtbench_check.digest=3f1c9a...              the answers of this model elsewhere: here they must be the same bytes

It answers the questions that ship with the program. Sanity: all turns are finished, none failed, the digest is that of the reference if one is
named, and the program starts without a launcher, too. Performance: tokens per second of all ranks; give references by system in your own site's
configuration, as in `-S mtbench_check.least=400`.
"""
import os

import reframe as rfm
import reframe.utility.sanity as sn


@rfm.simple_test
class mtbench_check(rfm.RunOnlyRegressionTest):
    descr = "answers of the shipped questions: complete, the same bytes, how fast"
    valid_systems = ["*"]
    valid_prog_environs = ["*"]

    model = variable(str, value="")
    program = variable(str, value="mtbench")
    data = variable(str, value="")          # the folder that holds smoke/question.jsonl; "": of the installed program
    device = variable(str, value="auto")
    digest = variable(str, value="")
    least = variable(float, value=0.0)      # tokens per second
    max_new_token = variable(int, value=64)
    num_tasks = 1
    time_limit = "30m"
    tags = {"mtbench"}

    @run_before("run")
    def compose(self):
        self.skip_if(not self.model, "name a model: -S mtbench_check.model=PATH")
        self.executable = self.program
        # A program without a folder is that of PATH, and its place that of the module that put it there.
        root = os.path.dirname(os.path.dirname(self.program)) or "${MTBENCH_ROOT:-/usr/local}"
        installed = os.path.join(root, "share", "mtbench")
        # Answers go beside the questions: a copy in the stage folder keeps the installed ones as they are.
        self.prerun_cmds = [f"mkdir -p data && cp -r {self.data or installed}/smoke data/"]
        self.executable_opts = [
            "answer", "--model-path", self.model, "--model-id", "reframe", "--data-dir", "data", "--bench-name", "smoke",
            "--max-new-token", str(self.max_new_token), "--device", self.device, "--progress", "none",
        ]
        self.postrun_cmds = [f"{self.program} show --data-dir data --bench-name smoke --help >/dev/null && echo starts alone"]

    @run_before("performance")
    def set_reference(self):
        self.reference = {"*": {"speed": (self.least or None, -0.05 if self.least else None, None, "tok/s")}}

    @sanity_function
    def answers_are_whole(self):
        found = sn.extractsingle(r"^answers +(\d+)/(\d+) turns +(\d+) failed", self.stdout, (1, 2, 3), conv=int)
        checks = [
            sn.assert_eq(found[0], found[1], msg="not all turns were finished"),
            sn.assert_eq(found[2], 0, msg="turns failed"),
            sn.assert_found(r"^digest +[0-9a-f]{64}$", self.stdout),
            sn.assert_found(r"^starts alone$", self.stdout),
        ]
        if self.digest:
            checks.append(sn.assert_eq(sn.extractsingle(r"^digest +([0-9a-f]+)$", self.stdout, 1), self.digest, msg="other bytes than the reference"))
        return sn.all(checks)

    @performance_function("tok/s")
    def speed(self):
        return sn.extractsingle(r"^answers .* ([0-9.]+) tok/s", self.stdout, 1, conv=float)
