-- GET /people?fields=id&count=estimated
SELECT convert_to(concat_ws(chr(30), count(*) || '/' || (SELECT CASE WHEN c.relpages > 0 AND c.reltuples >= 0 AND c.relkind = 'r' THEN round(c.reltuples
            / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::int))::bigint ELSE (SELECT count(*) AS count_1
FROM person AS person_1) END
            FROM pg_class AS c WHERE c.oid = 'person'::regclass), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_2.id AS id
FROM person AS person_2 ORDER BY person_2.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
