-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- The audit log, for src/svc/audit.c.

-- name: audit_insert
-- params: $1 uuid entry, $2 uuid venue or NULL, $3 text actor, $4 text action, $5 text subject,
-- params: $6 jsonb detail or NULL, $7 text request, $8 text the program's own id of it or NULL
-- returns: nothing
INSERT INTO audit_log
       (id, venue_id, actor, action, subject, detail, request_id, own_request_id)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6::jsonb, $7, $8);

-- Only an administrator's key has a scope here, as staff_scope has it for lists of other rows.
-- fragment: audit_scope
SELECT k.venue_id
  FROM staff_keys k
 WHERE k.key_hash = $1
   AND k.revoked_at IS NULL
   AND k.role IN ('admin')

-- fragment: audit_page
(a.at, a.id) < (COALESCE(timestamptz 'epoch' + $2::bigint * interval '1 microsecond', 'infinity'),
                COALESCE($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
ORDER BY a.at DESC, a.id DESC
LIMIT $4::bigint

-- The entries of one venue or of all: each has its index, and the other part is not run.
-- name: audit_list
-- params: $1 text hash of the key, $2 bigint cursor's time in us or NULL, $3 uuid cursor's id,
-- params: $4 bigint most rows
-- returns: id, actor, action, subject, detail, request_id, own_request_id, at_us
WITH scope AS MATERIALIZED (
    -- include: audit_scope
)
SELECT a.id, a.actor, a.action, a.subject, a.detail, a.request_id, a.own_request_id,
       (extract(epoch FROM a.at) * 1000000)::bigint AS at_us
  FROM ((
            SELECT a.*
              FROM audit_log a
             WHERE EXISTS (SELECT FROM scope c WHERE c.venue_id IS NOT NULL)
               AND a.venue_id = (SELECT c.venue_id FROM scope c)
               AND
                   -- include: audit_page
        ) UNION ALL (
            SELECT a.*
              FROM audit_log a
             WHERE EXISTS (SELECT FROM scope c WHERE c.venue_id IS NULL)
               AND
                   -- include: audit_page
        )) a
 ORDER BY a.at DESC, a.id DESC
 LIMIT $4::bigint;
