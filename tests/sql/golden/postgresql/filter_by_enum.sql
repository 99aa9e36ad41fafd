-- GET /samples?fields=id&color=red&plain_mode=read-only&level=1
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT sample_1.id AS id
FROM sample AS sample_1
WHERE sample_1.color = CAST($1::VARCHAR AS color) AND sample_1.plain_mode = $2 AND sample_1.level = CAST($3::VARCHAR AS level) ORDER BY sample_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/color, query/plain_mode, query/level
