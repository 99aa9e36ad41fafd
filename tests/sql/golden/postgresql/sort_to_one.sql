-- GET /people?fields=id&sort=-team.name:nullslast
SELECT convert_to(concat_ws(chr(30), concat_ws(chr(31), count(*), string_agg(anon_1.position, chr(31))), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT (SELECT row_to_json(x.*) FROM (SELECT anon_2.id AS "id") AS x) AS json, array_to_json(ARRAY[(SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = anon_2.team_id)::text, anon_2.id::text])::text AS position
FROM (SELECT person_1.id AS id, person_1.team_id AS team_id
FROM person AS person_1 ORDER BY (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) DESC NULLS LAST, person_1.id DESC
 LIMIT 51) AS anon_2) AS anon_1
-- no parameters
