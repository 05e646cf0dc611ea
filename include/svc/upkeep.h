/* The keeper's jobs: expire holds, mark interrupted notifications, purge. One row each. */
#ifndef BOOKINGD_SVC_UPKEEP_H
#define BOOKINGD_SVC_UPKEEP_H

#include <stddef.h>
#include <stdint.h>

#include "svc/svc.h"

struct upkeep_job {
    const char *name;    /* for logs and the board */
    int64_t interval_ms; /* from the end of a run to the start of the next, give or take a tenth */
    /* One run, within s->deadline, on s->arena (fresh each time). An error is logged by the keeper and the job runs again after its interval. */
    enum err (*run)(struct svc *s);
};
extern const struct upkeep_job upkeep_jobs[];
extern const size_t upkeep_jobs_n;

#endif
