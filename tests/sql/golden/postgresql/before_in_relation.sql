-- GET /teams/1/members?fields=id&sort=name&before=x
SELECT (SELECT convert_to(concat_ws(chr(30), concat_ws(chr(31), count(*), string_agg(anon_1.position, chr(31))), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT (SELECT row_to_json(x.*) FROM (SELECT anon_2.id AS "id") AS x) AS json, array_to_json(ARRAY[anon_2.name::text, anon_2.id::text])::text AS position
FROM (SELECT person_1.id AS id, person_1.name AS name
FROM person AS person_1
WHERE team_1.id = person_1.team_id AND (person_1.name, person_1.id) < (CAST($1::VARCHAR AS TEXT), CAST($2::VARCHAR AS BIGINT)) ORDER BY person_1.name DESC, person_1.id DESC
 LIMIT 51) AS anon_2) AS anon_1) AS body
FROM team AS team_1
WHERE team_1.id = $3::INTEGER
-- query/before, query/before, path/id
