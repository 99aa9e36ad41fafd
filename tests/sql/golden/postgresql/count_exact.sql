-- GET /teams/1/members?fields=id&name=Ada&count=exact
SELECT (SELECT convert_to(concat_ws(chr(30), count(*) || '/' || (SELECT count(*) AS count_1
FROM person AS person_1
WHERE team_1.id = person_1.team_id AND person_1.name = $1::VARCHAR), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_2.id AS id
FROM person AS person_2
WHERE team_1.id = person_2.team_id AND person_2.name = $1::VARCHAR ORDER BY person_2.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1) AS body
FROM team AS team_1
WHERE team_1.id = $2::INTEGER
-- query/name, path/id
