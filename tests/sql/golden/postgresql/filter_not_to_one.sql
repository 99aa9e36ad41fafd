-- GET /people?fields=id&not=(boss.team.name=Core)
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_1.id AS id
FROM person AS person_1
WHERE (SELECT (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = person_2.team_id) AS anon_4
FROM person AS person_2
WHERE person_2.id = person_1.boss_id) != $1::VARCHAR ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/not/boss.team.name
