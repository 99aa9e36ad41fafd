-- GET /people?fields=id&or=(name=Ada,and=(budget__lt=1,team_id=2),id__in=(1,2))
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_1.id AS id
FROM person AS person_1
WHERE person_1.name = $1::VARCHAR OR person_1.budget < $2::NUMERIC AND person_1.team_id = $3::INTEGER OR person_1.id IN ($4::INTEGER, $5::INTEGER) ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/or/name, query/or/and/budget__lt, query/or/and/team_id, query/or/id__in, query/or/id__in
