-- GET /people?fields=id&id__in=1,2,3&team_id__not_in=4,5
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT person_1.id AS id
FROM person AS person_1
WHERE person_1.id IN ($1::INTEGER, $2::INTEGER, $3::INTEGER, $4::INTEGER) AND (person_1.team_id NOT IN ($5::INTEGER, $6::INTEGER)) ORDER BY person_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/id__in, query/id__in, query/id__in, query/id__in, query/team_id__not_in, query/team_id__not_in
