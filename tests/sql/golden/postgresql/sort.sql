-- GET /people?sort=-name,budget:nullsfirst&limit=10&offset=20
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, anon_3.name AS name, anon_3.budget::text AS budget, anon_3.team_id AS team_id, anon_3.boss_id AS boss_id
FROM (SELECT person_1.id AS id, person_1.name AS name, person_1.budget AS budget, person_1.team_id AS team_id, person_1.boss_id AS boss_id
FROM person AS person_1 ORDER BY person_1.name DESC, person_1.budget ASC NULLS FIRST, person_1.id ASC
 LIMIT 11 OFFSET $1::BIGINT) AS anon_3) AS anon_2) AS anon_1
-- query/offset
