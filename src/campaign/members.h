/* members.h - ranks of one replica in a loop of the dealer: member 0's has the engine and deals with rank 0, the others follow it (private
 * to campaign). */
#ifndef MTB_MEMBERS_H
#define MTB_MEMBERS_H

#include "mtbench/deal.h"
#include "mtbench/rig.h"

/* On a rank without an engine, in place of its loop: until DEAL_OVER. It wants nothing of the deal ('want' 0). -1: err (device), the
 * replica cannot go on. */
int members_follow(struct job *job, const struct rig *rig, struct deal *deal, struct err *err);

#endif
