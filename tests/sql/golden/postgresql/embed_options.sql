-- GET /teams?fields=id&include=members(budget__gt=1,sort=(-name),limit=3,offset=1,fields=(id,name))
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, array_to_json(ARRAY(SELECT row_to_json(anon_4.*) AS json
FROM (SELECT anon_5.id AS id, anon_5.name AS name
FROM (SELECT person_1.id AS id, person_1.name AS name
FROM person AS person_1
WHERE anon_3.id = person_1.team_id AND person_1.budget > $1::NUMERIC ORDER BY person_1.name DESC, person_1.id DESC
 LIMIT 3 OFFSET $2::BIGINT) AS anon_5) AS anon_4)) AS members
FROM (SELECT team_1.id AS id
FROM team AS team_1 ORDER BY team_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/include/members/budget__gt, query/include/members/offset
