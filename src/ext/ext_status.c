/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The one table of HTTP statuses of providers; read by the drivers (sms_*.c, pay_*.c). */
#include "ext/ext_status.h"

/*
 * The first row that fits decides; RFC 9110 section 15.
 * 307 and 308 ask for the same request at another place: this one did nothing. The other redirects
 * are also what scripts answer after having done the work, so they leave it open. 408 says that the
 * request did not arrive whole (15.5.9), and who has no whole request cannot have acted on it; a
 * gateway that waited in vain for the server behind it says 504. 429 is the provider's way to say
 * "later" (RFC 6585 section 4). After a 5xx the work may be done.
 */
static const struct {
    int from, to;
    bool drivers; /* the driver judges the answer */
    enum err err;
    enum outcome outcome;
    const char *detail; /* NULL: "status NNN" */
} ext_status_rows[] = {
    {200, 299, .drivers = true},
    {307, 308, false, ERR_PROVIDER_FAILED, OUTCOME_FAILED, "redirect refused"},
    {300, 399, false, ERR_PROVIDER_FAILED, OUTCOME_UNKNOWN, "redirect refused"},
    {408, 408, false, ERR_PROVIDER_FAILED, OUTCOME_FAILED, NULL},
    {429, 429, false, ERR_PROVIDER_UNAVAILABLE, OUTCOME_FAILED, "rate limited"},
    {400, 499, .drivers = true},
};

bool ext_status_decides(struct arena *a, const struct ext_reply *reply, struct ext_result *r)
{
    size_t i = 0;
    while (i < ARRAY_LEN(ext_status_rows) &&
           (reply->status < ext_status_rows[i].from || reply->status > ext_status_rows[i].to))
        i++;
    if (i < ARRAY_LEN(ext_status_rows) && ext_status_rows[i].drivers)
        return false;
    *r = (struct ext_result){.err = ERR_PROVIDER_FAILED, .outcome = OUTCOME_UNKNOWN};
    if (i < ARRAY_LEN(ext_status_rows))
        *r = (struct ext_result){.err = ext_status_rows[i].err,
                                 .outcome = ext_status_rows[i].outcome,
                                 .detail = ext_status_rows[i].detail};
    /* Rows outside the table (1xx, 5xx and nonsense) mean that the work may have been done. */
    if (!r->detail)
        r->detail = arena_printf(a, "status %d", reply->status);
    if (r->err == ERR_PROVIDER_UNAVAILABLE)
        r->retry_after_s = reply->retry_after_s > 0 ? reply->retry_after_s : 1;
    return true;
}

struct ext_result ext_unreadable(void)
{
    return (struct ext_result){.err = ERR_PROVIDER_FAILED,
                               .outcome = OUTCOME_UNKNOWN,
                               .detail = "unreadable answer",
                               .not_understood = true};
}

const char *refusal_class(enum refusal r)
{
    return r == REFUSAL_ACCOUNT ? "account" : "message";
}

enum provider_outcome ext_metric_outcome(const struct ext_result *r)
{
    enum err err = r->err;
    if (err == ERR_OK)
        return PROVIDER_OUTCOME_OK;
    if (err == ERR_PROVIDER_REJECTED && r->refusal == REFUSAL_ACCOUNT)
        return PROVIDER_OUTCOME_ACCOUNT;
    if (err == ERR_PROVIDER_REJECTED || err == ERR_NOT_FOUND)
        return PROVIDER_OUTCOME_REJECTED;
    if (err == ERR_PROVIDER_TIMEOUT)
        return PROVIDER_OUTCOME_TIMEOUT;
    return err == ERR_PROVIDER_UNAVAILABLE ? PROVIDER_OUTCOME_UNAVAILABLE : PROVIDER_OUTCOME_FAILED;
}
