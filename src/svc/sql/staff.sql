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
   AND k.revoked_at IS NULL
   AND (k.expires_at IS NULL OR k.expires_at > now());

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

-- ---- links to the desk page ----

-- name: staff_link_insert
-- params: $1 text hash of the code, $2 text name, $3 text role, $4 uuid venue or NULL,
-- params: $5 bigint ms that it is valid
-- returns: nothing
INSERT INTO desk_links (code_hash, name, role, venue_id, expires_at)
VALUES ($1, $2, $3, $4::uuid, now() + $5::bigint * interval '1 millisecond');

-- The deletion is what makes a link valid once: of two who use it together one finds nothing.
-- name: staff_link_use
-- params: $1 text hash of the code, $2 uuid key, $3 text hash of the key,
-- params: $4 bigint ms of the session
-- returns: id, name, role, venue_id, created_us, revoked_us, expires_us
WITH link AS (
    DELETE FROM desk_links WHERE code_hash = $1 RETURNING name, role, venue_id, expires_at)
INSERT INTO staff_keys (id, name, key_hash, role, venue_id, expires_at)
SELECT $2::uuid, left(l.name, 48) || ' (' || right($2::text, 12) || ')', $3, l.role, l.venue_id,
       now() + $4::bigint * interval '1 millisecond'
  FROM link l
 WHERE l.expires_at > now()
RETURNING id, name, role, venue_id,
          (extract(epoch FROM created_at) * 1000000)::bigint AS created_us,
          (extract(epoch FROM revoked_at) * 1000000)::bigint AS revoked_us,
          (extract(epoch FROM expires_at) * 1000000)::bigint AS expires_us;
