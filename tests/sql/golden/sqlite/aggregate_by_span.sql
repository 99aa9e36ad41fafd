-- GET /samples:aggregate?group=moment:month,local:week,day:quarter&count=*
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('moment:month', CASE WHEN groups.g0 GLOB '????-??-?? ??:??:??.000000' THEN replace(substr(groups.g0, 1, 19), ' ', 'T') || 'Z'
WHEN groups.g0 GLOB '????-??-?? ??:??:??.?[0-9]?[0-9]??' OR groups.g0 GLOB '????-??-?? ??:??:??'
THEN replace(groups.g0, ' ', 'T') || 'Z' WHEN groups.g0 IS NULL THEN NULL ELSE onetrip_datetime(groups.g0) END, 'local:week', CASE WHEN groups.g1 GLOB '????-??-?? ??:??:??.000000' THEN replace(substr(groups.g1, 1, 19), ' ', 'T')
WHEN groups.g1 GLOB '????-??-?? ??:??:??.?[0-9]?[0-9]??' OR groups.g1 GLOB '????-??-?? ??:??:??'
THEN replace(groups.g1, ' ', 'T') WHEN groups.g1 IS NULL THEN NULL ELSE onetrip_local_datetime(groups.g1) END, 'day:quarter', groups.g2, 'count', groups.a0) AS json
FROM (SELECT asked.g0 AS g0, asked.g1 AS g1, asked.g2 AS g2, count(*) AS a0
FROM (SELECT 1 AS one, substr(CASE WHEN sample_1.moment GLOB '????-??-?? ??:??:??.??????' THEN sample_1.moment
WHEN sample_1.moment GLOB '????-??-?? ??:??:??' THEN sample_1.moment || '.000000' ELSE onetrip_moment(sample_1.moment) END, 1, 7) || '-01' || ' 00:00:00.000000' AS g0, date(substr(CASE WHEN sample_1.local GLOB '????-??-?? ??:??:??.??????' THEN sample_1.local
WHEN sample_1.local GLOB '????-??-?? ??:??:??' THEN sample_1.local || '.000000' ELSE onetrip_moment(sample_1.local) END, 1, 10), '-6 days', 'weekday 1') || ' 00:00:00.000000' AS g1, substr(sample_1.day, 1, 5) || printf('%02d', (CAST(substr(sample_1.day, 6, 2) AS INTEGER) - 1) / 3 * 3 + 1) || '-01' AS g2
FROM sample AS sample_1) AS asked GROUP BY asked.g0, asked.g1, asked.g2) AS groups ORDER BY groups.g0 ASC NULLS LAST, groups.g1 ASC NULLS LAST, groups.g2 ASC NULLS LAST
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
