/* campaign_places.h - which tasks of a list write the same answers (private to campaign). campaign_check_places() is campaign.h's. */
#ifndef MTB_CAMPAIGN_PLACES_H
#define MTB_CAMPAIGN_PLACES_H

#include "mtbench/campaign.h"

/* Does a line before that of task k make the same answers, for another judge? A note says so: in an array its task makes them, so that two
 * do not at once. 'list' is its name. */
bool campaign_made_before(const char *list, const struct campaign_task *task, int k);

#endif
