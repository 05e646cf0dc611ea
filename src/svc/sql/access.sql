-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Who sees what: predicates for statements that share the first round trip with authentication.
-- They hold only for the bearer whose token has the hash $1, so that a stranger's statement finds
-- nothing.

-- The customer who is signed in.
-- fragment: customer_of_token
(SELECT s.customer_id FROM sessions s WHERE s.token_hash = $1 AND s.expires_at > now())

-- A staff key that may read the venue. A key without a venue reads every venue.
-- fragment: staff_sees
EXISTS (
    SELECT 1
      FROM staff_keys k
     WHERE k.key_hash = $1
       AND k.revoked_at IS NULL
       AND (k.venue_id IS NULL OR k.venue_id = :venue))

-- The same, for what only an administrator may read.
-- fragment: staff_administers
EXISTS (
    SELECT 1
      FROM staff_keys k
     WHERE k.key_hash = $1
       AND k.revoked_at IS NULL
       AND k.role IN ('admin')
       AND (k.venue_id IS NULL OR k.venue_id = :venue))

-- The one venue in which a staff key lists, with the venue that it asks for; NULL: in all of them.
-- No row: it may not see that venue.
-- fragment: staff_scope
SELECT COALESCE(k.venue_id, :venue::uuid) AS venue_id
  FROM staff_keys k
 WHERE k.key_hash = $1
   AND k.revoked_at IS NULL
   AND (:venue::uuid IS NULL OR k.venue_id IS NULL OR k.venue_id = :venue::uuid)
