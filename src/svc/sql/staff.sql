-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Keys of staff, for src/svc/staff.c.

-- name: staff_auth
-- params: $1 text hash of the key
-- returns: id, name, role, venue_id
-- index: staff_keys_key_hash_key
SELECT k.id, k.name, k.role, k.venue_id
  FROM staff_keys k
 WHERE k.key_hash = $1
   AND k.revoked_at IS NULL;

-- name: staff_insert
-- params: $1 uuid key, $2 text name, $3 text hash of the key, $4 text role, $5 uuid venue or NULL
-- returns: nothing
INSERT INTO staff_keys (id, name, key_hash, role, venue_id)
VALUES ($1::uuid, $2, $3, $4, $5::uuid);

-- name: staff_list
-- returns: id, name, role, venue_id, created_us, revoked_us
SELECT id, name, role, venue_id,
       (extract(epoch FROM created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked_us
  FROM staff_keys
 ORDER BY name;

-- name: staff_revoke
-- params: $1 text name
-- returns: id
UPDATE staff_keys
   SET revoked_at = now()
 WHERE name = $1
   AND revoked_at IS NULL
RETURNING id;
