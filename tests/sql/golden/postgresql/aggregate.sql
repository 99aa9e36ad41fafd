-- GET /people:aggregate
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT groups.a0 AS count
FROM (SELECT count(*) AS a0
FROM (SELECT 1 AS one
FROM person AS person_1) AS asked) AS groups
 LIMIT 51) AS anon_2) AS anon_1
-- no parameters
