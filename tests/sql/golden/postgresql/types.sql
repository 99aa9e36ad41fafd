-- GET /samples?fields=id,text,flag,moment,local,day,at,price,tiny,ratio,ticket,hex_ticket,color,level,raw
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT anon_3.id AS id, anon_3.text AS text, anon_3.flag AS flag, coalesce(to_char(timezone(interval '0', anon_3.moment), CASE WHEN anon_3.moment < '0001-01-01T00:00:00Z' THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"Z" BC'
        WHEN anon_3.moment::timestamptz(0) = anon_3.moment THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END),
        CASE anon_3.moment WHEN 'infinity' THEN '9999-12-31T23:59:59.999999Z' WHEN '-infinity' THEN '0001-01-01T00:00:00Z' END) AS moment, coalesce(to_char(anon_3.local, CASE WHEN anon_3.local < '0001-01-01T00:00:00' THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"" BC'
        WHEN anon_3.local::timestamp(0) = anon_3.local THEN 'YYYY-MM-DD"T"HH24:MI:SS""' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US""' END),
        CASE anon_3.local WHEN 'infinity' THEN '9999-12-31T23:59:59.999999' WHEN '-infinity' THEN '0001-01-01T00:00:00' END) AS local, CASE anon_3.day WHEN 'infinity' THEN '9999-12-31' WHEN '-infinity' THEN '0001-01-01' ELSE anon_3.day END AS day, CASE WHEN anon_3.at::time(0) = anon_3.at::time THEN anon_3.at::time::text ELSE to_char(anon_3.at::time::interval, 'HH24:MI:SS.US') END AS at, anon_3.price::text AS price, CASE WHEN scale(anon_3.tiny) <= 6 OR abs(anon_3.tiny) >= 0.000001 THEN anon_3.tiny::text
        WHEN anon_3.tiny = 0 THEN '0E-' || scale(anon_3.tiny)
        ELSE (SELECT CASE WHEN x < 0 THEN '-' ELSE '' END || substr(d, 1, 1)
              || CASE WHEN length(d) > 1 THEN '.' || substr(d, 2) ELSE '' END || 'E' || (length(d) - 1 - scale(x))
              FROM (SELECT anon_3.tiny AS x, ltrim(replace(abs(anon_3.tiny)::text, '.', ''), '0') AS d) AS digits) END AS tiny, CASE WHEN abs(anon_3.ratio::float8) >= 0.0001 AND abs(anon_3.ratio::float8) < 1e15 AND anon_3.ratio::float8 <> trunc(anon_3.ratio::float8) THEN to_json(anon_3.ratio::float8)
WHEN abs(anon_3.ratio::float8) < 1e15 AND anon_3.ratio::float8 = trunc(anon_3.ratio::float8) THEN (anon_3.ratio::float8::text || '.0')::json
WHEN anon_3.ratio::float8 IN ('NaN', 'Infinity', '-Infinity') THEN NULL WHEN abs(anon_3.ratio::float8) >= 1e16 THEN to_json(anon_3.ratio::float8)
WHEN abs(anon_3.ratio::float8) < 0.00001 THEN replace(anon_3.ratio::float8::text, 'e-0', 'e-')::json
ELSE (anon_3.ratio::float8::text::numeric || CASE WHEN anon_3.ratio::float8 = trunc(anon_3.ratio::float8) THEN '.0' ELSE '' END)::json END AS ratio, anon_3.ticket AS ticket, anon_3.hex_ticket::text::uuid AS hex_ticket, CASE anon_3.color::text WHEN 'RED' THEN 'red' WHEN 'BRACES' THEN '{0} ''quoted'' "twice" %s 100% é' WHEN 'SAME' THEN 'SAME' ELSE anon_3.color::text END AS color, CASE anon_3.level::text WHEN 'LOW' THEN '1'::json WHEN 'HIGH' THEN '20'::json ELSE to_json(anon_3.level::text) END AS level, convert_from(anon_3.raw, 'UTF8') AS raw
FROM (SELECT sample_1.id AS id, sample_1.text AS text, sample_1.flag AS flag, sample_1.day AS day, sample_1.moment AS moment, sample_1.local AS local, sample_1.at AS at, sample_1.price AS price, sample_1.tiny AS tiny, sample_1.ratio AS ratio, sample_1.raw AS raw, sample_1.ticket AS ticket, sample_1.hex_ticket AS hex_ticket, sample_1.color AS color, sample_1.level AS level
FROM sample AS sample_1 ORDER BY sample_1.id ASC
 LIMIT 51) AS anon_3) AS anon_2) AS anon_1
-- no parameters
