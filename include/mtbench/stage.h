/* stage.h - file bytes for all ranks of a job, each leaving the file system once (room: job).
 * Files are cut into chunks of STAGE_CHUNK bytes. Metadata reads: rank 0 reads the chunk, all ranks get and keep it. Weight reads: chunk
 * c falls to node c % n_nodes, where threads of all its ranks read and hash it ahead of need, into a ring of a few chunks that the ranks
 * of the node share; the node leaders broadcast it among themselves; chunks that metadata reads brought are not read again. A single
 * node reads without communication. */
#ifndef MTB_STAGE_H
#define MTB_STAGE_H

#include "mtbench/job.h"
#include "mtbench/layout.h"
#include "mtbench/source.h"

enum { STAGE_CHUNK = 4 << 20 };

struct stage;

/* Collective. 'path' (n) counts on rank 0 only, which looks the files up for everybody; each other
 * node must have them, too, as large as on rank 0's. NULL everywhere: err (io). */
struct stage *stage_open(struct job *job, const char *const *path, int n, struct err *err);
/* Local. */
void stage_close(struct stage *st);

/* For headers, configurations, tokenizers: collective over all ranks; all see the same result (same error text, too).
 * Meant for a few dozen MB: what is read stays in memory until stage_forget(). */
const struct source *stage_metadata(struct stage *st);

/* Collective, before weights are read: each node reads the larger files from copies in this folder of its own, which are made where they
 * are not there yet; they are checked by size and hash, and stay. A node that cannot have them says so and reads the files themselves. -1
 * everywhere: err (cancelled). */
int stage_to_scratch(struct stage *st, const char *scratch, struct err *err);

/* ---- weights, between stage_weights_begin() and stage_weights_end() ---- */

enum stage_takers { STAGE_LEADERS, STAGE_EVERYONE };
/* Collective over all ranks: start reading ahead. Who will ask for weights: the node leaders (local_rank 0) alone, or every rank.
 * Threads: one for each core that the ranks of a node have, at most 8, dealt round the ranks and at most l->n_threads of each, on its
 * cores; at most 4 of a node are in a read of the file system at a time, the others hash. The ring has 2 chunks for each of a node's
 * threads and 2 more, at most 12 (50 MB). -1 everywhere: err (memory). */
int stage_weights_begin(struct stage *st, enum stage_takers who, const struct layout *l, struct err *err);
/* Collective over all ranks: bytes of this node's memory that the ring will take, for plans. */
uint64_t stage_weights_bytes(struct stage *st, const struct layout *l);
/* Collective over the takers, which all ask for the same bytes in the same order, each at its own pace as far as the ring reaches; 'dst'
 * may be NULL, for bytes that this rank has no use for. Ascending reads are fast; going back reads chunks again that are no longer at hand.
 * A read fails on all takers, if not at the same one: with its own error where it went wrong, "another rank ..." elsewhere, ERR_CANCELLED
 * when the job was told to stop. */
const struct source *stage_weights(struct stage *st);
/* Collective over all ranks, takers or not, once after the last weight read or instead of further ones: 'rc' is what came of loading
 * here. A rank that fails for a reason of its own thereby tells the others, whose reads (or this call) end. When all went well, what is
 * left of the files is read and hashed. Returns -1 where job_agree() should hear of *err, 0 elsewhere; job_agree() over all ranks must
 * follow. */
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
 * Chunks that nobody has read are read now. The same for any number of ranks. -1 everywhere on a read error. */
int stage_digest(struct stage *st, char hex[65], struct err *err);

#endif
