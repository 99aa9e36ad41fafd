-- GET /people?include=projects
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, anon_3.name AS name, anon_3.budget::text AS budget, anon_3.team_id AS team_id, anon_3.boss_id AS boss_id, array_to_json(ARRAY(SELECT row_to_json(anon_4.*) AS json
FROM (SELECT project_1.id AS id, project_1.title AS title, (SELECT row_to_json(x.*) FROM (SELECT membership_1.role AS "role", membership_1.share::text AS "share", membership_1.active AS "active") AS x) AS _link
FROM project AS project_1, membership AS membership_1
WHERE anon_3.id = membership_1.person_id AND project_1.id = membership_1.project_id ORDER BY project_1.id ASC
 LIMIT 100) AS anon_4)) AS projects
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id
FROM person AS person_1 ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
