-- GET /samples?fields=id,text,flag,moment,local,day,at,price,tiny,ratio,ticket,hex_ticket,color,level,raw
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT sample_1.id AS id, sample_1.text AS text, sample_1.flag AS flag, coalesce(to_char(timezone(interval '0', sample_1.moment), CASE WHEN sample_1.moment < '0001-01-01T00:00:00Z' THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"Z" BC'
        WHEN sample_1.moment::timestamptz(0) = sample_1.moment THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END),
        CASE sample_1.moment WHEN 'infinity' THEN '9999-12-31T23:59:59.999999Z' WHEN '-infinity' THEN '0001-01-01T00:00:00Z' END) AS moment, coalesce(to_char(sample_1.local, CASE WHEN sample_1.local < '0001-01-01T00:00:00' THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"" BC'
        WHEN sample_1.local::timestamp(0) = sample_1.local THEN 'YYYY-MM-DD"T"HH24:MI:SS""' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US""' END),
        CASE sample_1.local WHEN 'infinity' THEN '9999-12-31T23:59:59.999999' WHEN '-infinity' THEN '0001-01-01T00:00:00' END) AS local, CASE sample_1.day WHEN 'infinity' THEN '9999-12-31' WHEN '-infinity' THEN '0001-01-01' ELSE sample_1.day END AS day, CASE WHEN sample_1.at::time(0) = sample_1.at::time THEN sample_1.at::time::text ELSE to_char(sample_1.at::time::interval, 'HH24:MI:SS.US') END AS at, sample_1.price::text AS price, CASE WHEN scale(sample_1.tiny) <= 6 OR abs(sample_1.tiny) >= 0.000001 THEN sample_1.tiny::text
        WHEN sample_1.tiny = 0 THEN '0E-' || scale(sample_1.tiny)
        ELSE (SELECT CASE WHEN x < 0 THEN '-' ELSE '' END || substr(d, 1, 1)
              || CASE WHEN length(d) > 1 THEN '.' || substr(d, 2) ELSE '' END || 'E' || (length(d) - 1 - scale(x))
              FROM (SELECT sample_1.tiny AS x, ltrim(replace(abs(sample_1.tiny)::text, '.', ''), '0') AS d) AS digits) END AS tiny, CASE WHEN abs(sample_1.ratio::float8) >= 0.0001 AND abs(sample_1.ratio::float8) < 1e15 AND sample_1.ratio::float8 <> trunc(sample_1.ratio::float8) THEN to_json(sample_1.ratio::float8)
WHEN abs(sample_1.ratio::float8) < 1e15 AND sample_1.ratio::float8 = trunc(sample_1.ratio::float8) THEN (sample_1.ratio::float8::text || '.0')::json
WHEN sample_1.ratio::float8 IN ('NaN', 'Infinity', '-Infinity') THEN NULL WHEN abs(sample_1.ratio::float8) >= 1e16 THEN to_json(sample_1.ratio::float8)
WHEN abs(sample_1.ratio::float8) < 0.00001 THEN replace(sample_1.ratio::float8::text, 'e-0', 'e-')::json
ELSE (sample_1.ratio::float8::text::numeric || CASE WHEN sample_1.ratio::float8 = trunc(sample_1.ratio::float8) THEN '.0' ELSE '' END)::json END AS ratio, sample_1.ticket AS ticket, sample_1.hex_ticket::text::uuid AS hex_ticket, CASE sample_1.color::text WHEN 'RED' THEN 'red' WHEN 'BRACES' THEN '{0} ''quoted'' "twice" %s 100% é' WHEN 'SAME' THEN 'SAME' ELSE sample_1.color::text END AS color, CASE sample_1.level::text WHEN 'LOW' THEN '1'::json WHEN 'HIGH' THEN '20'::json ELSE to_json(sample_1.level::text) END AS level, convert_from(sample_1.raw, 'UTF8') AS raw
FROM sample AS sample_1 ORDER BY sample_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1
-- no parameters
