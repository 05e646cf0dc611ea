#include "svc/audit.h"

static const struct db_stmt audit_insert = {
    "audit_insert",
    "INSERT INTO audit_log (id, venue_id, actor, action, subject, detail, request_id)"
    " VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6::jsonb, $7)",
};

void audit_add(struct svc *s, struct db_batch *b, const struct audit *entry)
{
    struct uuid id = uuid_new();
    DB_ADD(b, &audit_insert, arena_strdup(s->arena, id.s), entry->venue_id, entry->actor, entry->action, entry->subject,
           entry->detail, s->request_id);
}
