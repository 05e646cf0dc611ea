-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Periodic tasks of the keeper, for src/svc/keeper_tasks.c. At most 500 rows per run keep the locks
-- short; a backlog is worked off over several runs. Rows that another process works on are skipped.
-- The order makes each run begin at the old end of an index: without it the planner may read whole
-- tables while much is old.

-- Notifications whose sender ended before it stored a result.
-- name: keeper_interrupted
-- returns: template, event
-- index: notifications_pending
UPDATE notifications n
   SET status = 'FAILED',
       error_code = 'interrupted',
       error_detail = 'its sender ended before it told how it went',
       attempts = greatest(n.attempts, 1),
       claimed_by = NULL,
       updated_at = now()
 WHERE (n.venue_id, n.id) IN (
           SELECT o.venue_id, o.id
             FROM notifications o
            WHERE o.status = 'PENDING'
              AND o.send_by < now()
            ORDER BY o.send_by
            LIMIT 500
              FOR NO KEY UPDATE SKIP LOCKED)
RETURNING n.template, n.event;

-- name: keeper_idempotency_keys
-- returns: nothing
-- index: idempotency_keys_created
DELETE FROM idempotency_keys
 WHERE (caller, key) IN (
           SELECT o.caller, o.key
             FROM idempotency_keys o
            WHERE o.created_at < now() - interval '24 hours'
            ORDER BY o.created_at
            LIMIT 500
              FOR UPDATE SKIP LOCKED);

-- name: keeper_rate_limits
-- returns: nothing
-- index: rate_limits_end
DELETE FROM rate_limits
 WHERE subject IN (
           SELECT o.subject
             FROM rate_limits o
            WHERE o.window_end < now()
            ORDER BY o.window_end
            LIMIT 500
              FOR UPDATE SKIP LOCKED);

-- name: keeper_otp_challenges
-- returns: nothing
-- index: otp_challenges_created
DELETE FROM otp_challenges
 WHERE id IN (
           SELECT o.id
             FROM otp_challenges o
            WHERE o.created_at < now() - interval '24 hours'
              AND o.expires_at < now() - interval '24 hours'
            ORDER BY o.created_at
            LIMIT 500
              FOR UPDATE SKIP LOCKED);

-- name: keeper_sessions
-- returns: nothing
-- index: sessions_expiry
DELETE FROM sessions
 WHERE token_hash IN (
           SELECT o.token_hash
             FROM sessions o
            WHERE o.expires_at < now()
            ORDER BY o.expires_at
            LIMIT 500
              FOR UPDATE SKIP LOCKED);

-- Sessions of the desk page that have ended; their names stay, since the audit log has them.
-- name: keeper_desk_sessions
-- returns: nothing
-- index: staff_keys_expiry
UPDATE staff_keys
   SET revoked_at = expires_at
 WHERE id IN (
           SELECT o.id
             FROM staff_keys o
            WHERE o.expires_at < now()
              AND o.expires_at IS NOT NULL
              AND o.revoked_at IS NULL
            ORDER BY o.expires_at
            LIMIT 500
              FOR UPDATE SKIP LOCKED);

-- name: keeper_desk_links
-- returns: nothing
DELETE FROM desk_links WHERE expires_at < now();

-- name: keeper_webhook_events
-- params: $1 bigint age in milliseconds
-- returns: n
-- index: webhook_events_received
WITH old AS (
         DELETE FROM webhook_events
          WHERE (provider, event_id) IN (
                    SELECT o.provider, o.event_id
                      FROM webhook_events o
                     WHERE o.received_at < now() - $1 * interval '1 millisecond'
                     ORDER BY o.received_at
                     LIMIT 500
                       FOR UPDATE SKIP LOCKED)
         RETURNING 1)
SELECT count(*) AS n
  FROM old;

-- The role that serves may not delete these itself: functions of the owner do.
-- name: keeper_audit
-- params: $1 bigint age in milliseconds
-- returns: n
SELECT retention_purge_audit($1 * interval '1 millisecond', 500) AS n;

-- Partitions of the audit log and of the histories, and what is older than the ages; 0: none.
-- name: keeper_partitions
-- params: $1 bigint age of the audit log in ms, $2 bigint age of histories in ms
-- returns: changed
SELECT partitions_keep($1::bigint * interval '1 millisecond', $2::bigint * interval '1 millisecond')
           AS changed;

-- name: keeper_notifications
-- params: $1 bigint age in milliseconds
-- returns: n
SELECT retention_purge_notifications($1 * interval '1 millisecond', 500) AS n;

-- Nobody who signed in from an address half a year ago waits for it.
-- name: keeper_known_addresses
-- returns: nothing
-- index: known_addresses_last
DELETE FROM known_addresses
 WHERE (phone, address) IN (
           SELECT o.phone, o.address
             FROM known_addresses o
            WHERE o.last_at < now() - interval '180 days'
            ORDER BY o.last_at
            LIMIT 500
              FOR UPDATE SKIP LOCKED);
