-- GET /teams/1?include=members
SELECT convert_to(anon_1.json::text, 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT team_1.id AS id, team_1.name AS name, array_to_json(ARRAY(SELECT row_to_json(anon_3.*) AS json
FROM (SELECT anon_4.id AS id, anon_4.name AS name, anon_4.budget::text AS budget, anon_4.team_id AS team_id, anon_4.boss_id AS boss_id
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id
FROM person AS person_1
WHERE team_1.id = person_1.team_id ORDER BY person_1.id ASC
 LIMIT 100) AS anon_4) AS anon_3)) AS members
FROM team AS team_1
WHERE team_1.id = $1::INTEGER) AS anon_2) AS anon_1
-- path/id
