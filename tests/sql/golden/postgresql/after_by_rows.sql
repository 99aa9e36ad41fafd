-- GET /people?fields=id,name&sort=-name&after=x
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, anon_3.name AS name
FROM (SELECT person_1.id AS id, person_1.name AS name
FROM person AS person_1
WHERE (person_1.name, person_1.id) < (CAST($1::VARCHAR AS TEXT), CAST($2::VARCHAR AS BIGINT)) ORDER BY person_1.name DESC, person_1.id DESC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/after, query/after
