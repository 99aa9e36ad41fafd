-- GET /samples:aggregate?group=moment:month,local:week,day:quarter&count=*
SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT coalesce(to_char(timezone(interval '0', groups.g0), CASE WHEN groups.g0 < '0001-01-01T00:00:00Z' THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"Z" BC'
        WHEN groups.g0::timestamptz(0) = groups.g0 THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END),
        CASE groups.g0 WHEN 'infinity' THEN '9999-12-31T23:59:59.999999Z' WHEN '-infinity' THEN '0001-01-01T00:00:00Z' END) AS "moment:month", coalesce(to_char(groups.g1, CASE WHEN groups.g1 < '0001-01-01T00:00:00' THEN 'YYYY-MM-DD"T"HH24:MI:SS.US"" BC'
        WHEN groups.g1::timestamp(0) = groups.g1 THEN 'YYYY-MM-DD"T"HH24:MI:SS""' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US""' END),
        CASE groups.g1 WHEN 'infinity' THEN '9999-12-31T23:59:59.999999' WHEN '-infinity' THEN '0001-01-01T00:00:00' END) AS "local:week", CASE groups.g2 WHEN 'infinity' THEN '9999-12-31' WHEN '-infinity' THEN '0001-01-01' ELSE groups.g2 END AS "day:quarter", groups.a0 AS count
FROM (SELECT asked.g0 AS g0, asked.g1 AS g1, asked.g2 AS g2, count(*) AS a0
FROM (SELECT 1 AS one, date_trunc('month', sample_1.moment, 'UTC') AS g0, date_trunc('week', sample_1.local) AS g1, date_trunc('quarter', sample_1.day::timestamp)::date AS g2
FROM sample AS sample_1) AS asked GROUP BY asked.g0, asked.g1, asked.g2) AS groups ORDER BY groups.g0 ASC, groups.g1 ASC, groups.g2 ASC
 LIMIT 51) AS anon_2) AS anon_1
-- no parameters
