-- GET /documents?fields=id&sort=settings.size
SELECT convert_to(concat_ws(chr(30), concat_ws(chr(31), count(*), string_agg(anon_1.position, chr(31))), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT (SELECT row_to_json(x.*) FROM (SELECT anon_2.id AS "id") AS x) AS json, array_to_json(ARRAY[(CASE json_typeof(anon_2.settings #> $1::TEXT[]) WHEN 'number' THEN CASE WHEN anon_2.settings #>> $1::TEXT[] !~ '[eE][-+]?[0-9]{4}' THEN (anon_2.settings #>> $1::TEXT[])::numeric END END)::text, ((CASE json_typeof(anon_2.settings #> $2::TEXT[]) WHEN 'string' THEN anon_2.settings #>> $2::TEXT[] WHEN 'boolean' THEN anon_2.settings #>> $2::TEXT[]
        WHEN 'number' THEN chr(1) || trim_scale(CASE WHEN anon_2.settings #>> $2::TEXT[] !~ '[eE][-+]?[0-9]{4}' THEN (anon_2.settings #>> $2::TEXT[])::numeric END)::text WHEN 'object' THEN chr(1) WHEN 'array' THEN chr(1) END) COLLATE "C")::text, anon_2.id::text])::text AS position
FROM (SELECT document_1.id AS id, document_1.settings AS settings
FROM document AS document_1 ORDER BY (CASE json_typeof(document_1.settings #> $3::TEXT[]) WHEN 'number' THEN CASE WHEN document_1.settings #>> $3::TEXT[] !~ '[eE][-+]?[0-9]{4}' THEN (document_1.settings #>> $3::TEXT[])::numeric END END) ASC, ((CASE json_typeof(document_1.settings #> $4::TEXT[]) WHEN 'string' THEN document_1.settings #>> $4::TEXT[] WHEN 'boolean' THEN document_1.settings #>> $4::TEXT[]
        WHEN 'number' THEN chr(1) || trim_scale(CASE WHEN document_1.settings #>> $4::TEXT[] !~ '[eE][-+]?[0-9]{4}' THEN (document_1.settings #>> $4::TEXT[])::numeric END)::text WHEN 'object' THEN chr(1) WHEN 'array' THEN chr(1) END) COLLATE "C") ASC, document_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1
-- ['size'], ['size'], ['size'], ['size']
