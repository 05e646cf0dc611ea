-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- One-time passwords, for src/svc/otp.c.

-- Whether the phone of challenge `o` has a newer challenge that may have reached it. Challenges of
-- one instant are ordered by their identifiers.
-- fragment: otp_newer
EXISTS (
    SELECT 1
      FROM otp_challenges n
     WHERE n.phone = o.phone
       AND n.status <> 'failed'
       AND (n.created_at, n.id) > (o.created_at, o.id))

-- Counts against all limits and makes the challenge, in one transaction: a request over a limit
-- leaves no challenge. `OFFSET 0` keeps the planner from reading the clock twice.
-- name: otp_begin
-- params: $1 text[] subjects, $2 integer[] limits, $3 bigint[] windows in ms, $4 uuid challenge,
-- params: $5 text phone, $6 text MAC of the code, $7 text locale or NULL, $8 bigint lifetime in ms
-- returns: denied, retry_after_s, locale, created_us, expires_us
WITH denied AS MATERIALIZED (
    SELECT r.denied, r.retry_after_s
      FROM rate_take($1::text[], $2::integer[], $3::bigint[]) r
), made AS (
    INSERT INTO otp_challenges (id, phone, code_mac, locale, status, created_at, expires_at)
    SELECT $4::uuid, $5, $6,
           COALESCE($7, (SELECT c.locale FROM customers c WHERE c.phone = $5), 'ar'),
           'sending', m.t, m.t + $8::bigint * interval '1 millisecond'
      FROM (SELECT clock_timestamp() AS t OFFSET 0) m
     WHERE NOT EXISTS (SELECT 1 FROM denied)
    RETURNING locale, created_at, expires_at
)
SELECT d.denied, d.retry_after_s, m.locale,
       (extract(epoch FROM m.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM m.expires_at) * 1000000)::bigint AS expires_us
  FROM (SELECT 1) one
  LEFT JOIN denied d ON true
  LEFT JOIN made m ON true;

-- name: otp_result
-- params: $1 uuid challenge, $2 text status
-- returns: nothing
UPDATE otp_challenges
   SET status = $2
 WHERE id = $1::uuid;

-- name: otp_give_back
-- params: $1 text subject of the cooldown
-- returns: nothing
DELETE FROM rate_limits
 WHERE subject = $1;

-- Counts the try before anything is compared, so that parallel guesses are counted one by one.
-- name: otp_try
-- params: $1 uuid challenge, $2 integer most tries
-- returns: phone, code_mac, attempts
UPDATE otp_challenges o
   SET attempts = o.attempts + 1
 WHERE o.id = $1::uuid
   AND o.status <> 'failed'
   AND o.used_at IS NULL
   AND o.expires_at > clock_timestamp()
   AND o.attempts < $2::integer
   AND NOT
       -- include: otp_newer
RETURNING o.phone, o.code_mac, o.attempts;

-- Why a try was not counted.
-- name: otp_why
-- params: $1 uuid challenge
-- returns: used, superseded, expired
SELECT o.used_at IS NOT NULL AS used,
       -- include: otp_newer AS superseded,
       o.expires_at <= clock_timestamp() AS expired
  FROM otp_challenges o
 WHERE o.id = $1::uuid
   AND o.status <> 'failed';

-- Uses the challenge up, finds or makes the customer, and signs in: all or nothing, once.
-- name: otp_use
-- params: $1 uuid challenge, $2 uuid new customer, $3 text hash of the token,
-- params: $4 bigint lifetime of the session in ms
-- returns: customer_columns, expires_us
WITH person AS (
    UPDATE otp_challenges
       SET used_at = now()
     WHERE id = $1::uuid
       AND used_at IS NULL
    RETURNING $2::uuid AS id, phone, NULL::text AS name, locale
), who AS (
    -- include: customer_find_or_make
    RETURNING c.*
), sess AS (
    INSERT INTO sessions (token_hash, customer_id, expires_at)
    SELECT $3, who.id, now() + $4::bigint * interval '1 millisecond'
      FROM who
    RETURNING expires_at
)
SELECT
       -- include: customer_columns,
       (extract(epoch FROM sess.expires_at) * 1000000)::bigint AS expires_us
  FROM who c, sess;
