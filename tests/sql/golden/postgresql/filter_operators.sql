-- GET /people?fields=id&budget__gte=1&budget__lt=9.5&name__ne=Ada&team_id__between=1,3
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_1.id AS id
FROM person AS person_1
WHERE person_1.budget >= $1::NUMERIC AND person_1.budget < $2::NUMERIC AND person_1.name != $3::VARCHAR AND person_1.team_id >= $4::INTEGER AND person_1.team_id <= $5::INTEGER ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/budget__gte, query/budget__lt, query/name__ne, query/team_id__between, query/team_id__between
