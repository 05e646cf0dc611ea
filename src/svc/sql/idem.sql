-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Idempotency keys, for src/svc/idem.c.

-- The caller of the signed-in customer, and of a staff key in one of some roles.
-- fragment: idem_customer
SELECT 'customer:' || s.customer_id AS caller
  FROM sessions s
 WHERE s.token_hash = $1
   AND s.expires_at > now()

-- fragment: idem_staff
SELECT 'staff:' || k.id AS caller
  FROM staff_keys k
 WHERE k.key_hash = $1
   AND k.revoked_at IS NULL
   AND k.role = ANY (:roles::text[])

-- The row is made, or taken over when its claim is dead or its day is over. Otherwise nothing
-- changes but that the row is locked until this batch ends, so that the look-up behind it sees the
-- row as it is.
-- fragment: idem_take_over
ON CONFLICT (caller, key) DO UPDATE
   SET request_hash = excluded.request_hash,
       holder = excluded.holder,
       claimed_until = excluded.claimed_until,
       status = NULL,
       headers = NULL,
       body = NULL,
       customer_id = NULL,
       created_at = now()
 WHERE (i.status IS NULL
        AND i.claimed_until < clock_timestamp()
        AND i.request_hash = excluded.request_hash)
    OR (i.created_at < now() - interval '24 hours'
        AND (i.status IS NOT NULL OR i.claimed_until < clock_timestamp()))

-- fragment: idem_answer
-- returns: caller, mine, same, status, headers, body
SELECT i.caller, i.holder = $4 AS mine, i.request_hash = $3 AS same, i.status, i.headers, i.body
  FROM idempotency_keys i

-- name: idem_claim_customer
-- params: $1 text hash of the token, $2 text key, $3 text hash of the request, $4 text holder,
-- params: $5 bigint length of the claim in ms
-- returns: nothing
INSERT INTO idempotency_keys AS i (caller, key, request_hash, holder, claimed_until)
SELECT w.caller, $2, $3, $4, clock_timestamp() + $5::bigint * interval '1 millisecond'
  FROM (
       -- include: idem_customer
       ) w
    -- include: idem_take_over;

-- name: idem_look_customer
-- params: $1 text hash of the token, $2 text key, $3 text hash of the request, $4 text holder
-- returns: idem_answer
-- include: idem_answer
 WHERE i.key = $2
   AND i.caller = (
       SELECT w.caller
         FROM (
              -- include: idem_customer
              ) w);

-- name: idem_claim_staff
-- params: $1 text hash of the key, $2 text key, $3 text hash of the request, $4 text holder,
-- params: $5 bigint length of the claim in ms, $6 text[] roles
-- returns: nothing
INSERT INTO idempotency_keys AS i (caller, key, request_hash, holder, claimed_until)
SELECT w.caller, $2, $3, $4, clock_timestamp() + $5::bigint * interval '1 millisecond'
  FROM (
       -- include: idem_staff(roles = $6)
       ) w
    -- include: idem_take_over;

-- name: idem_look_staff
-- params: $1 text hash of the key, $2 text key, $3 text hash of the request, $4 text holder,
-- params: $5 text[] roles
-- returns: idem_answer
-- include: idem_answer
 WHERE i.key = $2
   AND i.caller = (
       SELECT w.caller
         FROM (
              -- include: idem_staff(roles = $5)
              ) w);

-- No row means that the claim was lost: the division by zero ends the transaction.
-- name: idem_complete
-- params: $1 text caller, $2 text key, $3 text holder, $4 integer HTTP status, $5 text headers,
-- params: $6 text body, $7 uuid customer or NULL
-- returns: stored
WITH done AS (
    UPDATE idempotency_keys
       SET status = $4::integer,
           headers = $5,
           body = $6,
           customer_id = $7::uuid
     WHERE caller = $1
       AND key = $2
       AND holder = $3
       AND status IS NULL
    RETURNING 1
)
SELECT 1 / count(*) AS stored
  FROM done;

-- name: idem_amend
-- params: $1 text caller, $2 text key, $3 text holder, $4 integer HTTP status, $5 text headers,
-- params: $6 text body
-- returns: nothing
UPDATE idempotency_keys
   SET status = $4::integer,
       headers = $5,
       body = $6
 WHERE caller = $1
   AND key = $2
   AND holder = $3
   AND status IS NOT NULL;

-- name: idem_release
-- params: $1 text caller, $2 text key, $3 text holder
-- returns: nothing
DELETE FROM idempotency_keys
 WHERE caller = $1
   AND key = $2
   AND holder = $3
   AND status IS NULL;

-- Its caller is known by the bearer alone: without one only a scan of all keys would find the row.
-- name: idem_release_any
-- params: $1 text hash of the bearer's token or key, $2 text key, $3 text holder
-- returns: nothing
-- index: idempotency_keys_pkey
DELETE FROM idempotency_keys
 WHERE caller IN (
           SELECT 'customer:' || s.customer_id
             FROM sessions s
            WHERE s.token_hash = $1
            UNION ALL
           SELECT 'staff:' || k.id
             FROM staff_keys k
            WHERE k.key_hash = $1)
   AND key = $2
   AND holder = $3
   AND status IS NULL;
