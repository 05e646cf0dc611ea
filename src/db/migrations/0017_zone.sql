-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- PostgreSQL makes its list of time zones from 600 files each time it is asked for. From a cold
-- disk that takes seconds, and the first venue was refused because of them. To use one zone takes
-- one file.
-- phase: expand
-- works from: 13

-- Whether pg_timezone_names has this name, written this way. SET answers with the name as its file
-- has it, so other cases differ from it. It also takes rules like 'FOO+3': these have a digit and
-- come back in capitals, and only the list tells them from names like EST5EDT.
CREATE FUNCTION zone_known(p_name text) RETURNS boolean
LANGUAGE plpgsql SET TimeZone = 'UTC' AS $$
BEGIN
    IF p_name ~ '[0-9]' AND p_name !~ '[a-z]' THEN
        RETURN EXISTS (SELECT FROM pg_timezone_names WHERE name = p_name);
    END IF;
    RETURN set_config('TimeZone', p_name, true) = p_name;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;
