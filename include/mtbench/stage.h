/* stage.h - file bytes for all ranks of a job, each leaving the file system once (room: job).
 * Files are cut into chunks of STAGE_CHUNK bytes. Metadata reads: rank 0 reads the chunk, all ranks get and keep it. Weight reads:
 * chunk c is read (and hashed) by node leader c % n_leaders, ahead of need, and broadcast among the leaders; chunks that metadata
 * reads brought are not read again. One leader alone reads without communication. */
#ifndef MTB_STAGE_H
#define MTB_STAGE_H

#include "mtbench/job.h"
#include "mtbench/source.h"

enum { STAGE_CHUNK = 4 << 20 };

struct stage;

/* Collective. 'path' (n) counts on rank 0 only, which looks the files up for everybody. NULL everywhere: err (io). */
struct stage *stage_open(struct job *job, const char *const *path, int n, struct err *err);
/* Local. */
void stage_close(struct stage *st);

/* For headers, configurations, tokenizers: collective over all ranks; all see the same result (same error text, too).
 * Meant for a few dozen MB: what is read stays in memory until stage_forget(). */
const struct source *stage_metadata(struct stage *st);
/* For weights: collective over the node leaders only (local_rank 0); other ranks must not call. Reads go forward through each file.
 * A read fails on all leaders together: with its own error where it went wrong, "another leader ..." elsewhere, ERR_CANCELLED when the job
 * was told to stop. */
const struct source *stage_weights(struct stage *st);
/* Collective over the node leaders, once, after the last weight read or instead of further ones: 'rc' is what came of loading here. A
 * leader that fails for a reason of its own thereby tells the others, whose reads (or this call) end. Returns -1 where job_agree() should
 * hear of *err, 0 elsewhere; job_agree() over all ranks must follow. */
int stage_weights_end(struct stage *st, int rc);
/* Collective over all ranks, before stage_forget(): SHA-256 (hex) over the sizes and the first chunks of all files from 'first' on, which
 * metadata reads have mostly brought. Tells models apart without reading their weights. -1 everywhere on a read error. */
int stage_header_digest(struct stage *st, int first, char hex[65], struct err *err);
/* Local: release what metadata reads keep (after the model was loaded). */
void stage_forget(struct stage *st);

struct stage_stats {
    uint64_t bytes_read;             /* that left the file system, all ranks together */
    uint64_t file_bytes;             /* sizes of the files */
};
/* Collective over all ranks. */
struct stage_stats stage_stats(struct stage *st);
/* Collective over all ranks: SHA-256 (hex, NUL-terminated) over number of files and, per file, size and SHA-256 of each chunk in order.
 * Chunks that nobody has asked for are read now. The same for any number of ranks. -1 everywhere on a read error. */
int stage_digest(struct stage *st, char hex[65], struct err *err);

#endif
