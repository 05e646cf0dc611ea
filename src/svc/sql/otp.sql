-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- One-time passwords, for src/svc/otp.c and otp_verify.c.

-- Whether challenge :challenge has three newer ones that may have reached the phone: at most three
-- codes of a phone live. Challenges of one instant are ordered by their identifiers.
-- fragment: otp_superseded
(SELECT count(*)
   FROM otp_challenges n
  WHERE n.phone = :challenge.phone
    AND n.customer_id IS NOT DISTINCT FROM :challenge.customer_id
    AND n.status <> 'failed'
    AND n.used_at IS NULL
    AND (n.created_at, n.id) > (:challenge.created_at, :challenge.id)) >= 3

-- For how long the wrong codes of a phone end its sign-in; NULL: they do not.
-- fragment: otp_locked
(SELECT greatest(1, ceil(extract(epoch FROM r.window_end - clock_timestamp())))::integer
   FROM rate_limits r
  WHERE r.subject = :phone_key
    AND r.window_end > clock_timestamp()
    AND r.taken >= :failures::integer)

-- A success that the same Idempotency-Key may ask for again.
-- fragment: otp_repeatable
(:challenge.verify_key = :key AND :challenge.used_at > clock_timestamp() - interval '2 minutes')

-- Counts against all limits and makes the challenge, in one transaction: a request over a limit
-- leaves nothing behind. A repeated request leaves nothing either; otp_repeat shows what the first
-- one made. `OFFSET 0` keeps the planner from reading the clock twice, and from taking before it
-- knows whether to.
-- name: otp_begin
-- params: $1 text[] subjects, $2 integer[] limits, $3 bigint[] windows in ms, $4 uuid challenge,
-- params: $5 text phone, $6 text MAC of the code, $7 text locale or NULL, $8 bigint lifetime in ms,
-- params: $9 text locale of a new customer, $10 text phone's key, $11 integer most failures,
-- params: $12 integer[] limits of unknown addresses, $13 text known address,
-- params: $14 text hash of the Idempotency-Key or NULL, $15 text address's key,
-- params: $16 bigint longest answer in ms, $17 uuid customer who changes the phone or NULL
-- returns: repeated, locked_s, denied, retry_after_s, locale, created_us, expires_us
WITH state AS MATERIALIZED (
    SELECT EXISTS (
               SELECT 1
                 FROM otp_challenges o
                WHERE o.request_key = $14
                  AND (o.phone = $5 OR o.request_from = $15)) AS repeated,
           -- include: otp_locked(phone_key = $10, failures = $11) AS locked_s,
           EXISTS (SELECT 1 FROM known_addresses k WHERE k.phone = $10)
           AND NOT EXISTS (
               SELECT 1
                 FROM known_addresses k
                WHERE k.phone = $10
                  AND k.address = $13) AS stranger
), denied AS MATERIALIZED (
    SELECT r.denied, r.retry_after_s
      FROM (SELECT CASE WHEN s.stranger THEN $12::integer[] ELSE $2::integer[] END AS limits
              FROM state s
             WHERE NOT s.repeated
               AND s.locked_s IS NULL
            OFFSET 0) l,
           rate_take($1::text[], l.limits, $3::bigint[]) r
), made AS (
    INSERT INTO otp_challenges (id, phone, code_mac, locale, status, created_at, expires_at,
                                phone_key, customer_id, request_key, request_from, answer_by)
    SELECT $4::uuid, $5, $6,
           COALESCE($7, (SELECT c.locale FROM customers c WHERE c.phone = $5), $9),
           'sending', m.t, m.t + $8::bigint * interval '1 millisecond',
           $10, $17::uuid, $14, $15, m.t + $16::bigint * interval '1 millisecond'
      FROM (SELECT clock_timestamp() AS t OFFSET 0) m, state s
     WHERE NOT s.repeated
       AND s.locked_s IS NULL
       AND NOT EXISTS (SELECT 1 FROM denied)
        ON CONFLICT (request_key, phone) WHERE request_key IS NOT NULL DO NOTHING
    RETURNING locale, created_at, expires_at
)
SELECT s.repeated OR (d.denied IS NULL AND s.locked_s IS NULL AND m.locale IS NULL) AS repeated,
       s.locked_s, d.denied, d.retry_after_s, m.locale,
       (extract(epoch FROM m.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM m.expires_at) * 1000000)::bigint AS expires_us
  FROM state s
  LEFT JOIN denied d ON true
  LEFT JOIN made m ON true;

-- What the first request with this Idempotency-Key made: for this phone, or for another one from
-- the same address.
-- name: otp_repeat
-- params: $1 text hash of the Idempotency-Key, $2 text phone, $3 text address's key
-- returns: id, phone, same, status, error, running, created_us, expires_us
-- index: otp_challenges_request
SELECT o.id, o.phone, o.phone = $2 AS same, o.status, o.error,
       o.status = 'sending' AND o.answer_by > clock_timestamp() AS running,
       (extract(epoch FROM o.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM o.expires_at) * 1000000)::bigint AS expires_us
  FROM otp_challenges o
 WHERE o.request_key = $1
   AND (o.phone = $2 OR o.request_from = $3)
 ORDER BY o.phone = $2 DESC, o.created_at DESC
 LIMIT 1;

-- A code that was certainly not sent leaves its Idempotency-Key free for another try.
-- name: otp_result
-- params: $1 uuid challenge, $2 text status, $3 text error or NULL
-- returns: nothing
UPDATE otp_challenges
   SET status = $2,
       error = $3,
       request_key = CASE WHEN $2 = 'failed' THEN NULL ELSE request_key END
 WHERE id = $1::uuid;

-- name: otp_give_back
-- params: $1 text subject of the cooldown
-- returns: nothing
DELETE FROM rate_limits
 WHERE subject = $1;

-- Counts the try before anything is compared, so that parallel guesses are counted one by one: for
-- the challenge, and for the phone. Returns the challenge and older ones that still live, whose
-- codes are as good.
-- name: otp_try
-- params: $1 uuid challenge, $2 integer most tries, $3 integer most failures of a phone,
-- params: $4 bigint their window in ms, $5 text hash of the Idempotency-Key or NULL
-- returns: id, phone, code_mac, attempts, used, failures
WITH tried AS (
    UPDATE otp_challenges o
       SET attempts = o.attempts + 1
     WHERE o.id = $1::uuid
       AND o.status <> 'failed'
       AND (
               -- include: otp_repeatable(challenge = o, key = $5)
            OR (o.used_at IS NULL
                AND o.expires_at > clock_timestamp()
                AND NOT
                    -- include: otp_superseded(challenge = o)
               ))
       AND o.attempts < CASE WHEN o.used_at IS NULL THEN $2::integer ELSE 2 * $2::integer END
       AND
           -- include: otp_locked(phone_key = o.phone_key, failures = $3) IS NULL
    RETURNING o.id, o.phone, o.phone_key, o.customer_id, o.attempts, o.created_at, o.used_at
), counted AS (
    INSERT INTO rate_limits AS r (subject, window_start, window_end, taken)
    SELECT t.phone_key, m.t, m.t + $4::bigint * interval '1 millisecond', 1
      FROM tried t, (SELECT clock_timestamp() AS t OFFSET 0) m
     WHERE t.phone_key IS NOT NULL
        ON CONFLICT (subject) DO UPDATE
       SET window_start = CASE WHEN r.window_end <= excluded.window_start
                               THEN excluded.window_start ELSE r.window_start END,
           window_end = CASE WHEN r.window_end <= excluded.window_start
                             THEN excluded.window_end ELSE r.window_end END,
           taken = CASE WHEN r.window_end <= excluded.window_start
                        THEN 1 ELSE r.taken + 1 END
    RETURNING r.taken
)
SELECT c.id, c.phone, c.code_mac, t.attempts, t.used_at IS NOT NULL AS used,
       COALESCE(n.taken, 0) AS failures
  FROM tried t
  JOIN otp_challenges c ON c.phone = t.phone
  LEFT JOIN counted n ON true
 WHERE c.id = t.id
    OR (c.customer_id IS NOT DISTINCT FROM t.customer_id
        AND c.status <> 'failed'
        AND (c.created_at, c.id) < (t.created_at, t.id)
        AND (
                -- include: otp_repeatable(challenge = c, key = $5)
             OR (c.used_at IS NULL
                 AND c.expires_at > clock_timestamp()
                 AND c.attempts < $2::integer
                 AND NOT
                     -- include: otp_superseded(challenge = c)
                )))
 ORDER BY c.created_at DESC, c.id DESC
 LIMIT 3;

-- Why a try was not counted.
-- name: otp_reason
-- params: $1 uuid challenge, $2 integer most failures of a phone
-- returns: phone, locked_s, used, superseded, expired
SELECT o.phone,
       -- include: otp_locked(phone_key = o.phone_key, failures = $2) AS locked_s,
       o.used_at IS NOT NULL AS used,
       -- include: otp_superseded(challenge = o) AS superseded,
       o.expires_at <= clock_timestamp() AS expired
  FROM otp_challenges o
 WHERE o.id = $1::uuid
   AND o.status <> 'failed';

-- Uses up all codes of the phone, forgives its wrong codes, remembers the address, finds or makes
-- the customer (or gives the customer the new phone), and signs in: all or nothing, once. With the
-- Idempotency-Key of the success it signs in again. The rows are locked in one order, so that two
-- codes of one phone do not end each other's transactions.
-- name: otp_use
-- params: $1 uuid challenge, $2 uuid new customer, $3 text hash of the token,
-- params: $4 bigint lifetime of the session in ms, $5 text hash of the Idempotency-Key or NULL,
-- params: $6 text known address
-- returns: customer_columns, expires_us, blocked
WITH code AS MATERIALIZED (
    SELECT o.phone, o.phone_key, o.customer_id, o.locale
      FROM otp_challenges o
     WHERE o.id = $1::uuid
), live AS MATERIALIZED (
    SELECT o.id
      FROM otp_challenges o
     WHERE o.phone = (SELECT code.phone FROM code)
       AND (o.used_at IS NULL
            OR
               -- include: otp_repeatable(challenge = o, key = $5)
           )
     ORDER BY o.created_at, o.id
       FOR UPDATE
), good AS MATERIALIZED (
    SELECT code.*
      FROM code
     WHERE EXISTS (SELECT 1 FROM live WHERE live.id = $1::uuid)
), ended AS (
    UPDATE otp_challenges o
       SET used_at = now(),
           verify_key = $5
      FROM live, good
     WHERE o.id = live.id
       AND o.used_at IS NULL
), forgiven AS (
    DELETE FROM rate_limits r
     USING good
     WHERE r.subject = good.phone_key
), remembered AS (
    INSERT INTO known_addresses AS k (phone, address)
    SELECT good.phone_key, $6
      FROM good
     WHERE good.phone_key IS NOT NULL
        ON CONFLICT (phone, address) DO UPDATE SET last_at = now()
), person AS (
    SELECT $2::uuid AS id, good.phone, NULL::text AS name, good.locale
      FROM good
     WHERE good.customer_id IS NULL
), found AS (
    -- include: customer_find_or_make
    RETURNING c.*
), moved AS (
    UPDATE customers c
       SET phone = good.phone
      FROM good
     WHERE c.id = good.customer_id
       AND c.erased_at IS NULL
    RETURNING c.*
), noted AS (
    INSERT INTO audit_log (id, actor, action, subject)
    SELECT gen_random_uuid(), 'customer', 'customer.phone_change', moved.id
      FROM moved
), who AS (
    SELECT found.* FROM found
     UNION ALL
    SELECT moved.* FROM moved
), sess AS (
    INSERT INTO sessions (token_hash, customer_id, expires_at)
    SELECT $3, who.id, now() + $4::bigint * interval '1 millisecond'
      FROM who
     WHERE who.blocked_at IS NULL   -- who is blocked uses the code up and gets no session
    RETURNING expires_at
)
SELECT
       -- include: customer_columns,
       (extract(epoch FROM sess.expires_at) * 1000000)::bigint AS expires_us,
       c.blocked_at IS NOT NULL AS blocked
  FROM who c
  LEFT JOIN sess ON true;
