-- GET /people/1?include=boss,reports
SELECT convert_to(anon_1.json::text, 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget::text AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id, (SELECT row_to_json(anon_3.*) AS json
FROM (SELECT person_2.id AS id, person_2.name AS name, person_2.budget::text AS budget, person_2.team_id AS team_id, person_2.boss_id AS boss_id
FROM person AS person_2
WHERE person_2.id = person_1.boss_id) AS anon_3) AS boss, array_to_json(ARRAY(SELECT row_to_json(anon_4.*) AS json
FROM (SELECT anon_5.id AS id, anon_5.name AS name, anon_5.budget::text AS budget, anon_5.team_id AS team_id, anon_5.boss_id AS boss_id
FROM (SELECT person_3.id AS id, person_3.name AS name, person_3.budget AS budget, person_3.team_id AS team_id, person_3.boss_id AS boss_id
FROM person AS person_3
WHERE person_1.id = person_3.boss_id ORDER BY person_3.id ASC
 LIMIT 100) AS anon_5) AS anon_4)) AS reports
FROM person AS person_1
WHERE person_1.id = $1::INTEGER) AS anon_2) AS anon_1
-- path/id
