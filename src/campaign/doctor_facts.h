/* doctor_facts.h - what was gathered for the checks (private to campaign). Plain values: each check is a function of them. */
#ifndef MTB_DOCTOR_FACTS_H
#define MTB_DOCTOR_FACTS_H

#include "mtbench/doctor.h"
#include "mtbench/folderprobe.h"
#include "mtbench/jobname.h"

/* What a rank says of itself; the folders and the clock only the first of each node. */
struct doctor_rank {
    char host[64];
    int node, local;
    int proc, n_procs;                   /* as jobname.h has them */
    int cores;                           /* that it may run on */
    int threads, node_cores;             /* that it would have, of those that the ranks of its node may use */
    bool oversubscribed;
    int n_devices;                       /* GPUs that it sees */
    char device[PLACEMENT_MEMBERS * 8];  /* those that it would drive, "0", "2 3" */
    int pairs, apart;                    /* of GPUs that it sees; those that do not reach each other's memory both ways */
    double clock;                        /* ahead of rank 0's, seconds */
    bool sees_ours, kept_out;            /* of a file that rank 0 has made in the data folder and holds locked; true on its own node */
    long files;                          /* that it may have open; -1: any number */
    double file_size;                    /* bytes that a file may have; -1: any number */
    struct folderprobe data, scratch, logs;
};

struct doctor_facts {
    struct job_info job;
    const char *library;                 /* the MPI library */
    struct jobname name;
    long allocated;                      /* tasks that the batch job asked for; 0: none is known */
    double now;                          /* seconds since the epoch */
    int n_ranks;
    const struct doctor_rank *rank;      /* (n_ranks) */

    struct err place;                    /* why devices cannot be used; kind ERR_NONE: they can */
    const char *executor;                /* that would compute */
    char layout[128];                    /* placement_words() */

    bool has_model;
    struct err questions, model, memory, prompt;         /* as above, each of what its name says */
    int n_questions;
    char weights[16];
    double parameters;
    int context;
    uint64_t model_bytes;                /* of its files */
    struct rig_memory need;
    char template[64];
    char preview[240];                   /* beginning and end of the first prompt */
    char stops[160];                     /* "2 </s>, 32000 <|im_end|>" */
    int n_stops;

    bool has_judge, local_judge;
    bool inputs_read;                    /* else it is not known whose answers are to be judged */
    struct err judge, inputs, judge_memory;
    char judge_name[120], judge_url[200];
    struct rig_memory judge_need;
    char proxy[160];                     /* variable and address without who signs in; "": none */
    char no_proxy[160];
    bool shouted_proxy;                  /* HTTP_PROXY alone is set, which curl does not read */

    bool wants_logs, wants_scratch;
};

/* Collective. On rank 0 all is filled; release. */
void doctor_gather(struct job *job, const struct doctor_opts *o, struct doctor_facts *f);
void doctor_facts_free(struct doctor_facts *f);

/* ---- doctor_checks.c: pure ---- */

struct doctor_check { const char *name; void (*look)(const struct doctor_facts *f, struct doctor_line *l); };
extern const struct doctor_check doctor_checks[];
extern const int doctor_n_checks;

/* ---- doctor_address.c: pure ---- */

/* "http://user:secret@host:3128" without who signs in. */
void doctor_hide_user(const char *address, char *out, size_t size);
/* Is the host of this URL this machine, or a private address? */
bool doctor_is_near(const char *url);

#endif
