-- GET /people?include=team
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, anon_3.name AS name, anon_3.budget::text AS budget, anon_3.team_id AS team_id, anon_3.boss_id AS boss_id, (SELECT row_to_json(anon_4.*) AS json
FROM (SELECT team_1.id AS id, team_1.name AS name
FROM team AS team_1
WHERE team_1.id = anon_3.team_id) AS anon_4) AS team
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id
FROM person AS person_1 ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
