-- GET /projects/1/people
SELECT (SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget::text AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id, (SELECT row_to_json(x.*) FROM (SELECT membership_1.role AS "role", membership_1.share::text AS "share", membership_1.active AS "active") AS x) AS _link
FROM person AS person_1, membership AS membership_1
WHERE project_1.id = membership_1.project_id AND person_1.id = membership_1.person_id ORDER BY person_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1) AS body
FROM project AS project_1
WHERE project_1.id = $1::INTEGER
-- path/id
