-- GET /samples?fields=id&sort=color
SELECT convert_to(concat_ws(chr(30), concat_ws(chr(31), count(*), string_agg(anon_1.position, chr(31))), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT (SELECT row_to_json(x.*) FROM (SELECT anon_2.id AS "id") AS x) AS json, array_to_json(ARRAY[anon_2.color::text, anon_2.id::text])::text AS position
FROM (SELECT sample_1.id AS id, sample_1.color AS color
FROM sample AS sample_1 ORDER BY (sample_1.color::text COLLATE "C") ASC, sample_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1
-- no parameters
