-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Sessions of customers, for src/svc/session.c.

-- name: session_auth
-- params: $1 text hash of the token
-- returns: customer_columns
SELECT
       -- include: customer_columns
  FROM sessions s
  JOIN customers c ON c.id = s.customer_id
 WHERE s.token_hash = $1
   AND s.expires_at > now()
   AND c.erased_at IS NULL
   AND c.blocked_at IS NULL;

-- name: session_delete
-- params: $1 text hash of the token
-- returns: nothing
DELETE FROM sessions
 WHERE token_hash = $1;

-- name: session_delete_all
-- params: $1 uuid customer
-- returns: nothing
DELETE FROM sessions
 WHERE customer_id = $1::uuid;
