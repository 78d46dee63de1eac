/* campaign.h - many models, question sets, seeds and judges in one launch (room: campaign). Collective.
 * Tasks with the same weights are done one after the other, wherever they stand in the list, so that the weights are read once. */
#ifndef MTB_CAMPAIGN_H
#define MTB_CAMPAIGN_H

#include "mtbench/answering.h"
#include "mtbench/judge_inputs.h"

struct campaign_task {
    long number;                         /* of its line in the list, for messages */
    struct answer_opts answer;
    struct judge_opts judge;
    bool judged;                         /* else answers are all that is wanted */
};

enum task_state { TASK_WAITING, TASK_STOPPED, TASK_FAILED, TASK_DONE };
#define TASK_STATES "not begun", "stopped", "failed", "done"         /* their words, in order */

/* What came of a task. */
struct campaign_row {
    enum task_state state;
    int code;                            /* exit code of this task alone; of one that waits EXIT_RESUME */
    struct answer_result answer;
};

/* The order in which tasks are done: order[0 .. n) are their numbers, those with the same weights side by side, first come first. */
void campaign_order(const struct campaign_task *task, int n, int *order);
/* Do two tasks need the same weights, on the same devices? */
bool campaign_same_model(const struct campaign_task *a, const struct campaign_task *b);
/* -1: err (usage, with both lines): two tasks would write the same answer file, but for the same answers to be judged by
 * another judge. 'list' stands in messages. Local; looks at folders. */
int campaign_check_places(const char *list, const struct campaign_task *task, int n, struct err *err);

/* Everything that can refuse is asked of every task before the first one computes; then each is answered, and judged as in pipeline.h; one
 * that fails leaves the others to go on. A model that is not there is no matter where all answers of its lines are. The rows (n) are alike
 * on all ranks. Returns the exit code of the whole: EXIT_RESUME after a stop, else the worst of the rows; where nothing could begin err
 * says why. */
int campaign_run(struct job *job, const char *list, const struct campaign_task *task, int n, struct campaign_row *row, struct err *err);
/* The answers of task k alone, as its job of an array makes them: `answer`'s files and closing lines. That no other task of the list writes
 * them is seen to; its judge is left to a job behind all tasks, which a note says. Returns an exit code; where it is not EXIT_COMPLETE err
 * may say why. */
int campaign_run_one(struct job *job, const char *list, const struct campaign_task *task, int n, int k, struct err *err);

#endif
