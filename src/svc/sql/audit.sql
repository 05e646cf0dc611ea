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

-- name: audit_list
-- params: $1 text hash of the key, $2 bigint cursor's time in us or NULL, $3 uuid cursor's id,
-- params: $4 bigint most rows
-- returns: id, actor, action, subject, detail, request_id, own_request_id, at_us
-- index: audit_log_newest
SELECT a.id, a.actor, a.action, a.subject, a.detail, a.request_id, a.own_request_id,
       (extract(epoch FROM a.at) * 1000000)::bigint AS at_us
  FROM audit_log a
 WHERE
       -- include: staff_administers(venue = a.venue_id)
   AND ($2::bigint IS NULL
        OR (a.at, a.id)
           < (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::uuid))
 ORDER BY a.at DESC, a.id DESC
 LIMIT $4::bigint;
