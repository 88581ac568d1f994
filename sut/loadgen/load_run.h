/* load_run: the thread that is the users: takes arrivals from the plan, sends each as one request, books what became of it.
 *
 *   plan: arrival due -> crowd: whose turn -> request under way -> answer, error or patience over -> booked -> crowd
 *
 * Open loop: an arrival is never held back for an earlier one; when too many are under way it is dropped and booked as such.
 * Owner:  one thread of its own, started by new, joined by free; change() may come from any thread.
 * Memory: freed by free; requests under way are dropped unbooked.
 * Units:  ns and ms of the monotonic clock.       Limits: in_flight_max of the configuration, RUN_BEHIND_MS.
 * Fails:  ERR_NOMEM or ERR_IO at birth. */
#ifndef SUT_LOADGEN_LOAD_RUN_H
#define SUT_LOADGEN_LOAD_RUN_H

#include "sut/kit/config.h"
#include "sut/loadgen/load_book.h"

/* After a pause of this process longer than this, the arrivals of the pause are skipped: nobody was there to make them. */
enum { RUN_BEHIND_MS = 2000 };

struct load_run;

/* gateway: "127.77.1.1:8000". config and book must outlive the run. */
MUST_USE enum err load_run_new(const char *gateway, struct kit_config *config, struct load_book *book, struct load_run **ret,
                               struct err_note *reterr);
void load_run_free(struct load_run *run);
AUTO_DEFINE(struct load_run, load_run_free)
void load_run_change(struct load_run *run); /* the configuration has changed */

#endif
