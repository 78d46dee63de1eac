/* members.c - the ranks that follow. They stay until member 0 says that it asks for no more, whatever the state of the job: who leaves on
 * its own account leaves the others in the middle of a sum. */
#include "members.h"

#include "mtbench/watch.h"

int members_follow(struct job *job, const struct rig *rig, struct deal *deal, struct err *err)
{
    int heard;
    watch_begin(WATCH_WAITS, "following its replica's member 0");
    do {
        deal_poll(deal);                 /* signals and failures are passed on, to member 0 too, which then ends */
        watch_moved();
    } while ((heard = team_follow(rig->team, err)) == TEAM_IDLE || heard == TEAM_FOLLOWED);
    if (heard < 0)
        job_fail(job, err);
    deal_leave(deal);
    while (deal_idle(deal) != DEAL_OVER)
        continue;
    watch_end();
    return heard < 0 ? -1 : 0;
}
