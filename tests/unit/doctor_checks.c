/* doctor_checks.c - every check of the doctor: content with what is right, and with each fault at the level and in the words that it
 * deserves. */
#include "tap.h"

#include "src/campaign/doctor_facts.h"

#include "mtbench/json.h"

#include <string.h>

static struct doctor_rank rank[4];
static struct doctor_facts f;

static struct folderprobe good_folder(const char *path)
{
    struct folderprobe p = { .there = true, .writable = true, .locks = true, .links = true, .system = "ext4", .megabytes_per_second = 200,
                             .flush = 0.002, .room = 500000000000 };
    strcpy(p.path, path);
    return p;
}

/* Two nodes of two ranks, all in order. */
static void all_right(void)
{
    for (int r = 0; r < 4; r++) {
        rank[r] = (struct doctor_rank){ .node = r / 2, .local = r % 2, .proc = -1, .n_procs = -1, .cores = 8, .threads = 8,
            .node_cores = 16,
                                        .files = 1024, .file_size = -1,
                                        .sees_ours = true, .kept_out = true };
        snprintf(rank[r].host, sizeof rank[r].host, "n%d", r / 2 + 1);
        if (r % 2 == 0) {
            rank[r].data = good_folder("data");
            rank[r].scratch = good_folder("/tmp");
            rank[r].logs = good_folder("logs");
        }
    }
    f = (struct doctor_facts){
        .job = { .size = 4, .n_nodes = 2 }, .library = "Open MPI", .name = { .name = "812_5" }, .now = 1.8e9, .n_ranks = 4, .rank = rank,
        .executor = "cpu", .layout = "4 ranks on 2 nodes", .has_model = true, .n_questions = 80, .weights = "Q4_1", .parameters = 1e9,
        .context = 4096, .template = "own", .preview = "\"<s>Hello\"", .stops = "2 </s>", .n_stops = 1, .has_judge = true,
        .inputs_read = true,
        .judge_name = "gpt-4", .judge_url = "https://api.example/v1/chat/completions", .wants_logs = true, .wants_scratch = true,
        .need = { .weights = 1000000000, .available = 16000000000, .local = 2 }, .model_bytes = 1000000000,
    };
    for (int r = 0; r < 4; r++)
        rank[r].pairs = 1;               /* of GPUs, whether or not this layout uses any */
    f.name.ends = f.now + 7200;
}

static struct doctor_line look(const char *name)
{
    struct doctor_line l = { .name = name };
    for (int i = 0; i < doctor_n_checks; i++)
        if (!strcmp(doctor_checks[i].name, name))
            doctor_checks[i].look(&f, &l);
    return l;
}

static void launch_proc(void) { rank[2].n_procs = 8; }
static void launch_alone(void) { f.job.size = f.n_ranks = 1; f.allocated = 4; }
static void variables(void) { f.name.n_doubts = 2; strcpy(f.name.doubt[0], "SLURM_JOB_ID=x: is no number"); strcpy(f.name.doubt[1],
        "and another"); }
static void time_short(void) { f.name.ends = f.now + 300; }
static void clock_node(void) { rank[2].clock = -90; }
static void clock_server(void) { rank[0].data.clock_ahead = 7; }
static void clock_years(void) { f.now = 1e6; f.name.ends = 0; }
static void cores_crowded(void) { rank[2].oversubscribed = true; }
static void pinning(void) { rank[1].cores = 1; }
static void devices_none(void) { err_set(&f.place, ERR_DEVICE, "--device cuda: no GPU is here; load the driver"); }
static void devices_hidden(void) { for (int r = 0; r < 4; r++) rank[r].n_devices = 1; f.executor = "cuda"; }
static void peers_apart(void) { devices_hidden(); rank[3].n_devices = 4; rank[3].pairs = 6; rank[3].apart = 2; }
static void limits_files(void) { rank[2].files = 64; }
static void limits_size(void) { rank[2].file_size = 4096; }
static void data_missing(void) { rank[0].data.there = false; }
static void data_read_only(void) { rank[0].data.writable = false; strcpy(rank[0].data.why, "Read-only file system"); }
static void data_elsewhere(void) { rank[2].data.there = false; }
static void data_slow(void) { rank[0].data.flush = 2; }
static void data_slower(void) { rank[0].data.megabytes_per_second = 0.5; }
static void data_locks(void) { rank[0].data.locks = false; strcpy(rank[0].data.why, "No locks available"); }
static void data_nothing(void) { data_locks(); rank[0].data.links = false; }
static void data_other(void) { rank[2].sees_ours = rank[2].kept_out = false; }
static void data_open(void) { rank[2].kept_out = false; }
static void space_little(void) { rank[0].data.room = 50000000; }
static void space_none(void) { rank[0].data.room = 1000000; }
static void scratch_node(void) { rank[2].scratch.writable = false; strcpy(rank[2].scratch.why, "Permission denied"); }
static void scratch_unasked(void) { scratch_node(); f.wants_scratch = false; }
static void scratch_full(void) { rank[2].scratch.room = 900000000; }
static void logs_node(void) { rank[2].logs.writable = false; strcpy(rank[2].logs.why, "Permission denied"); }
static void questions_missing(void) { err_set(&f.questions, ERR_IO, "question.jsonl: cannot open; fetch it"); f.n_questions = 0; }
static void model_missing(void) { err_set(&f.model, ERR_IO, "m.safetensors: cannot open (rank 2 on n2); every node must see it"); }
static void memory_lacks(void) { err_set(&f.memory, ERR_MEMORY, "weights: need 90 GB; use a smaller model"); }
static void memory_tight(void) { f.need.available = 1050000000; }
static void template_refuses(void) { err_set(&f.prompt, ERR_MODEL, "question 81, turn 1: refused; correct the template"); }
static void template_endless(void) { f.n_stops = 0; }
static void inputs_missing(void) { err_set(&f.inputs, ERR_IO, "gpt-4.jsonl: cannot open; choose another --reference"); }
static void proxy_shouted(void) { f.shouted_proxy = true; }
static void proxy_near(void) { strcpy(f.proxy, "http_proxy=http://p:3128"); strcpy(f.judge_url, "http://127.0.0.1:8000/v1"); }
static void judge_key(void) { err_set(&f.judge, ERR_DEVICE, "judge gpt-4: no key; set OPENAI_API_KEY"); }
static void judge_memory(void) { f.local_judge = true; err_set(&f.judge_memory, ERR_MEMORY, "weights: need 90 GB; use a smaller one"); }

static const struct { const char *check; void (*harm)(void); enum doctor_level level; const char *what, *todo; } faults[] = {
    { "launch", launch_proc, DOCTOR_PROBLEM, "started 8 tasks, and MPI has 4", "--mpi=pmix" },
    { "launch", launch_alone, DOCTOR_WARNING, "one process, in a batch job of 4 tasks", "srun --mpi=pmix" },
    { "variables", variables, DOCTOR_WARNING, "SLURM_JOB_ID=x: is no number, and and another", "unset" },
    { "time", time_short, DOCTOR_WARNING, "300 s are left", "ask for more" },
    { "clock", clock_node, DOCTOR_WARNING, "1 of 2 nodes are off by more than a second: n2 by -90.0 s", "NTP" },
    { "clock", clock_server, DOCTOR_WARNING, "stamps files 7.0 s ahead", "NTP" },
    { "clock", clock_years, DOCTOR_PROBLEM, "n1 is years behind", "set it" },
    { "cores", cores_crowded, DOCTOR_WARNING, "n2: 2 ranks with 8 threads each share 16 cores", "--threads 1" },
    { "pinning", pinning, DOCTOR_WARNING, "1 of 4 ranks may run on one core only", "--cpus-per-task" },
    { "devices", devices_none, DOCTOR_PROBLEM, "--device cuda: no GPU is here", "load the driver" },
    { "devices", devices_hidden, DOCTOR_WARNING, "each of 2 ranks sees one GPU", "--gpu-bind=none" },
    { "peers", peers_apart, DOCTOR_WARNING, "n2: 2 of 6 pairs of GPUs that rank 3 sees", "topo -p2p" },
    { "limits", limits_files, DOCTOR_WARNING, "n2: 64 files", "ulimit -n" },
    { "limits", limits_size, DOCTOR_WARNING, "n2: a file may have 0 MB", "ulimit -f" },
    { "data", data_missing, DOCTOR_PROBLEM, "data: is not there on n1", "--data-dir" },
    { "data", data_read_only, DOCTOR_PROBLEM, "cannot be written on n1: Read-only", "--data-dir" },
    { "data", data_elsewhere, DOCTOR_WARNING, "is not there on 1 of 2 nodes, such as n2", "shared folder" },
    { "data", data_slow, DOCTOR_WARNING, "takes 2.0 s to get to its disk", "--data-dir" },
    { "data", data_slower, DOCTOR_WARNING, "takes 0.5 MB/s", "--data-dir" },
    { "data", data_locks, DOCTOR_WARNING, "has no locks (No locks available)", "ID.journal.holder alone; give each run a --model-id" },
    { "data", data_nothing, DOCTOR_WARNING, "has no locks (No locks available)", "nothing, as it has no symbolic links" },
    { "data", data_other, DOCTOR_WARNING, "is another folder on n2 than on n1", "shared folder" },
    { "data", data_open, DOCTOR_WARNING, "a lock of n1 does not keep n2 out", "--model-id" },
    { "space", space_little, DOCTOR_WARNING, "50.0 MB are free", "make room" },
    { "space", space_none, DOCTOR_PROBLEM, "1.0 MB are free", "--data-dir" },
    { "scratch", scratch_node, DOCTOR_PROBLEM, "cannot be written on n2: Permission denied", "--scratch" },
    { "scratch", scratch_unasked, DOCTOR_WARNING, "cannot be written on n2: Permission denied", "TMPDIR" },
    { "scratch", scratch_full, DOCTOR_WARNING, "0.9 GB are free on n2, the model's files have 1.0 GB", "--scratch" },
    { "logs", logs_node, DOCTOR_PROBLEM, "logs: cannot be written on n2", "--log-dir" },
    { "questions", questions_missing, DOCTOR_PROBLEM, "question.jsonl: cannot open", "fetch it" },
    { "model", model_missing, DOCTOR_PROBLEM, "(rank 2 on n2)", "every node" },
    { "memory", memory_lacks, DOCTOR_PROBLEM, "weights: need 90 GB", "smaller model" },
    { "memory", memory_tight, DOCTOR_WARNING, "less than a tenth", "--max-batch" },
    { "template", template_refuses, DOCTOR_PROBLEM, "question 81, turn 1", "correct the template" },
    { "template", template_endless, DOCTOR_WARNING, "no token ends an answer", "--chat-template" },
    { "inputs", inputs_missing, DOCTOR_PROBLEM, "gpt-4.jsonl", "--reference" },
    { "proxy", proxy_shouted, DOCTOR_WARNING, "HTTP_PROXY", "http_proxy" },
    { "proxy", proxy_near, DOCTOR_WARNING, "which is near", "NO_PROXY" },
    { "judge", judge_key, DOCTOR_PROBLEM, "no key", "OPENAI_API_KEY" },
    { "judge", judge_memory, DOCTOR_PROBLEM, "weights: need 90 GB", "smaller one" },
};

static void several(void)
{
    all_right();
    rank[0].logs.writable = rank[2].logs.writable = false;
    struct doctor_line l = look("logs");
    ok(strstr(l.what, "on n1") && l.more == 1, "of several the first is named, and the others are counted: %s (and %d more)", l.what,
       l.more);
    all_right();
    rank[0].data.flush = 2;
    data_missing();
    l = look("data");
    ok(l.level == DOCTOR_PROBLEM && strstr(l.what, "is not there") && l.more == 0, "a problem is told before a warning: %s", l.what);
}

static void nothing_asked(void)
{
    static const char *const silent[] = { "variables", "time", "logs", "model", "memory", "template", "inputs", "proxy", "judge",
                                          "peers" };
    all_right();
    f.has_model = f.has_judge = f.inputs_read = f.wants_logs = false;
    f.name = (struct jobname){ 0 };
    for (int r = 0; r < 4; r++)
        rank[r].pairs = 0;
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
        const struct doctor_line l = look(silent[i]);
        ok(l.level == DOCTOR_SKIPPED, "%s: says nothing where nobody asks for it", silent[i]);
    }
}

static void addresses(void)
{
    static const struct { const char *in, *out; bool near; } a[] = {
        { "http://user:se@cret@10.1.2.3:3128/x@y", "http://...@10.1.2.3:3128/x@y", true }, { "http://p:3128", "http://p:3128", false },
        { "user:secret@p:3128", "...@p:3128", false }, { "https://api.openai.com/v1", "https://api.openai.com/v1", false },
        { "http://172.20.0.1/v1", "http://172.20.0.1/v1", true }, { "http://172.40.0.1/v1", "http://172.40.0.1/v1", false },
        { "http://localhost:8000/v1", "http://localhost:8000/v1", true },
    };
    char out[200];
    for (size_t i = 0; i < sizeof a / sizeof *a; i++) {
        doctor_hide_user(a[i].in, out, sizeof out);
        ok(!strcmp(out, a[i].out) && doctor_is_near(a[i].in) == a[i].near, "%s", out);
    }
}

static void reports(void)
{
    struct doctor_report r;
    struct err why = {0}, err;
    struct buf b = {0};
    err_set(&why, ERR_USAGE, "srun: started 4 tasks, but each is \"alone\"\n; type srun --mpi=pmix");
    doctor_refused(&why, &r);
    doctor_put_text(&b, &r);
    ok(!strcmp(b.data, "launch    problem  srun: started 4 tasks, but each is \"alone\" ; type srun --mpi=pmix\n"
                       "doctor    1 check: 1 problem, 0 warnings\n"), "%s", b.data);
    buf_clear(&b);
    doctor_put_json(&b, &r);
    cJSON *j = json_parse(b.data, b.len, &err);
    const cJSON *check = cJSON_GetArrayItem(cJSON_GetObjectItem(j, "checks"), 0);
    ok(check && !strcmp(cJSON_GetObjectItem(check, "level")->valuestring, "problem") && cJSON_GetObjectItem(j, "problems")->valueint == 1 &&
       !strcmp(cJSON_GetObjectItem(check, "todo")->valuestring, "type srun --mpi=pmix"), "as JSON: %s", b.data);
    cJSON_Delete(j);
    buf_free(&b);
}

int main(void)
{
    all_right();
    for (int i = 0; i < doctor_n_checks; i++) {
        const struct doctor_line l = look(doctor_checks[i].name);
        bool tried = false;
        for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
            tried |= !strcmp(faults[k].check, l.name);
        ok(l.level == DOCTOR_OK && !*l.todo && tried, "%s, where all is right: %s", l.name, l.what);
    }
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        all_right();
        faults[i].harm();
        const struct doctor_line l = look(faults[i].check);
        ok(l.level == faults[i].level && strstr(l.what, faults[i].what) && strstr(l.todo, faults[i].todo), "%s: %s; %s", l.name, l.what,
           l.todo);
    }
    several();
    nothing_asked();
    addresses();
    reports();
    return done_testing();
}
