-- GET /people?fields=id&sort=-name,budget:nullsfirst,team.name&after=x
SELECT convert_to(concat_ws(chr(30), concat_ws(chr(31), count(*), string_agg(anon_1.position, chr(31))), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT (SELECT row_to_json(x.*) FROM (SELECT anon_2.id AS "id") AS x) AS json, array_to_json(ARRAY[anon_2.name::text, anon_2.budget::text, (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = anon_2.team_id)::text, anon_2.id::text])::text AS position
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id
FROM person AS person_1
WHERE person_1.name <= CAST($1::VARCHAR AS TEXT) AND (person_1.name < CAST($1::VARCHAR AS TEXT) OR person_1.budget >= CAST($2::VARCHAR AS NUMERIC) AND (person_1.budget > CAST($2::VARCHAR AS NUMERIC) OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) > CAST($3::VARCHAR AS TEXT) OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) IS NULL OR (SELECT team_2.name
FROM team AS team_2
WHERE team_2.id = person_1.team_id) = CAST($3::VARCHAR AS TEXT) AND person_1.id > CAST($4::VARCHAR AS BIGINT))) ORDER BY person_1.name DESC, person_1.budget ASC NULLS FIRST, (SELECT team_3.name
FROM team AS team_3
WHERE team_3.id = person_1.team_id) ASC, person_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1
-- query/after, query/after, query/after, query/after
