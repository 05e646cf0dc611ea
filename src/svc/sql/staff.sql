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
-- returns: id, name, role, venue_id, created_us, revoked_us
INSERT INTO staff_keys (id, name, key_hash, role, venue_id)
VALUES ($1::uuid, $2, $3, $4, $5::uuid)
RETURNING id, name, role, venue_id,
          (extract(epoch FROM created_at) * 1000000)::bigint AS created_us,
          (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked_us;

-- name: staff_list
-- returns: id, name, role, venue_id, created_us, revoked_us
SELECT id, name, role, venue_id,
       (extract(epoch FROM created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked_us
  FROM staff_keys
 ORDER BY name;

-- What an administrator's key may see: all keys, or those of its venue.
-- name: staff_list_seen
-- params: $1 text hash of the key, $2 text cursor's name or NULL, $3 bigint most rows
-- returns: id, name, role, venue_id, created_us, revoked_us
-- index: staff_keys_name_key
SELECT s.id, s.name, s.role, s.venue_id,
       (extract(epoch FROM s.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM s.revoked_at) * 1000000)::bigint AS revoked_us
  FROM staff_keys s
 WHERE
       -- include: staff_administers(venue = s.venue_id)
   AND ($2::text IS NULL OR s.name > $2::text)
 ORDER BY s.name
 LIMIT $3::bigint;

-- name: staff_revoke_one
-- params: $1 uuid key, $2 uuid the only venue or NULL
-- returns: id, name, venue_id
UPDATE staff_keys
   SET revoked_at = now()
 WHERE id = $1::uuid
   AND ($2::uuid IS NULL OR venue_id = $2::uuid)
   AND revoked_at IS NULL
RETURNING id, name, venue_id;

-- name: staff_revoke
-- params: $1 text name
-- returns: id
UPDATE staff_keys
   SET revoked_at = now()
 WHERE name = $1
   AND revoked_at IS NULL
RETURNING id;
