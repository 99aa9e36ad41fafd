-- GET /people?fields=id&reports=(name=Ben,budget__gt=1)
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_1.id AS id
FROM person AS person_1
WHERE EXISTS (SELECT 1
FROM person AS person_2
WHERE person_1.id = person_2.boss_id AND person_2.name = $1::VARCHAR AND person_2.budget > $2::NUMERIC) ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/reports/name, query/reports/budget__gt
