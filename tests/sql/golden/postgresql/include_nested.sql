-- GET /teams?include=members.reports.boss
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, anon_3.name AS name, array_to_json(ARRAY(SELECT row_to_json(anon_4.*) AS json
FROM (SELECT anon_5.id AS id, anon_5.name AS name, anon_5.budget::text AS budget, anon_5.team_id AS team_id, anon_5.boss_id AS boss_id, array_to_json(ARRAY(SELECT row_to_json(anon_6.*) AS json
FROM (SELECT anon_7.id AS id, anon_7.name AS name, anon_7.budget::text AS budget, anon_7.team_id AS team_id, anon_7.boss_id AS boss_id, (SELECT row_to_json(anon_8.*) AS json
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget::text AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id
FROM person AS person_1
WHERE person_1.id = anon_7.boss_id) AS anon_8) AS boss
FROM (SELECT person_2.id AS id, person_2.name AS name, person_2.budget AS budget, person_2.team_id AS team_id, person_2.boss_id AS boss_id
FROM person AS person_2
WHERE anon_5.id = person_2.boss_id ORDER BY person_2.id ASC
 LIMIT 100) AS anon_7) AS anon_6)) AS reports
FROM (SELECT person_3.id AS id, person_3.name AS name, person_3.budget AS budget, person_3.team_id AS team_id, person_3.boss_id AS boss_id
FROM person AS person_3
WHERE anon_3.id = person_3.team_id ORDER BY person_3.id ASC
 LIMIT 100) AS anon_5) AS anon_4)) AS members
FROM (SELECT team_1.id AS id, team_1.name AS name
FROM team AS team_1 ORDER BY team_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
