/* cmd_doctor.c - the verb `doctor`: is everything here that a run with these flags needs. */
#include "cmd.h"
#include "device_opts.h"
#include "run_opts.h"

#include "mtbench/doctor.h"
#include "mtbench/log.h"

#include <stdio.h>
#include <string.h>

struct flags { struct run_opts run; bool json; };

/* A model's name is not asked for: its path does for the rules that look at it. */
static int check(struct flags *o, struct err *err)
{
    struct answer_opts *a = &o->run.answer;
    const char *slash = a->model_path ? strrchr(a->model_path, '/') : NULL;
    if (!a->model_id)
        a->model_id = slash && slash[1] ? slash + 1 : a->model_path && *a->model_path ? "model" : NULL;
    if (judge_opts_check(&o->run.judge, err) < 0 || device_opts_check(&a->devices, err) < 0)
        return -1;
    return a->model_path ? answer_opts_check(a, err) : 0;
}

static int parse(struct flags *o, int argc, char **argv, struct err *err)
{
    run_opts_default(&o->run);
    const struct opt more[] = {
        { "json", OPT_FLAG, &o->json, NULL, NULL, "one JSON object instead of lines" },
    };
    static const char about[] = "Say whether this launch, machine, model and judge are fit for a run with these flags: a line each, ok, "
                                "warning or problem.\nExit code 77: there is a problem. Nothing is answered; a hosted judge "
                                "(--judge-model) gets one short call.";
    const int rc = run_opts_parse(&o->run, "doctor", about, more, sizeof more / sizeof *more, argc, argv, err);
    return rc ? rc : check(o, err);
}

static int print(const struct doctor_report *r, bool json)
{
    struct buf text = {0};
    if (json)
        doctor_put_json(&text, r);
    else
        doctor_put_text(&text, r);
    fwrite(text.data, 1, text.len, stdout);
    buf_free(&text);
    return doctor_count(r, DOCTOR_PROBLEM) ? EXIT_PREFLIGHT : EXIT_COMPLETE;
}

int doctor_launch_refused(const struct err *why, int argc, char **argv)
{
    struct doctor_report r;
    struct flags o = {0};
    struct err err;
    if (!*why->text)                     /* another task of the launch says it */
        return EXIT_PREFLIGHT;
    parse(&o, argc, argv, &err);         /* for --json; other faults are told when the launch is right */
    doctor_refused(why, &r);
    return print(&r, o.json);
}

int cmd_doctor(struct job *job, int argc, char **argv)
{
    struct flags o = {0};
    struct doctor_report report = {0};
    struct err err = {0};
    const int rc = parse(&o, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc < 0) {
        if (job_info(job).rank == 0)
            log_error("%s", err.text);
        return EXIT_INPUT;
    }
    const struct answer_opts *a = &o.run.answer;
    const struct doctor_opts d = {
        .answer = a, .judge = &o.run.judge, .model = a->model_path != NULL, .judged = o.run.judge.given_judge_model,
    };
    log_init(a->verbose ? LOG_VERBOSE : LOG_QUIET, job_info(job).rank == 0, NULL);      /* the report says it all */
    doctor_run(job, &d, &report);
    int code = job_info(job).rank == 0 ? print(&report, o.json) : EXIT_COMPLETE;
    job_bcast(job, &code, sizeof code);
    return code;
}
