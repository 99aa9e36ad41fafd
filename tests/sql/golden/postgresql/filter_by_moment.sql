-- GET /samples?fields=id&moment=2026-01-31T09:30:00Z
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id
FROM (SELECT sample_1.id AS id
FROM sample AS sample_1
WHERE sample_1.moment IN (CAST($1::VARCHAR AS TIMESTAMP WITH TIME ZONE), CASE CAST($1::VARCHAR AS TIMESTAMP WITH TIME ZONE) WHEN '0001-01-01T00:00:00Z' THEN '-infinity' WHEN '9999-12-31T23:59:59.999999Z' THEN 'infinity' ELSE CAST($1::VARCHAR AS TIMESTAMP WITH TIME ZONE) END) ORDER BY sample_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- query/moment
