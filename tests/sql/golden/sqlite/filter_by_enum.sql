-- GET /samples?fields=id&color=red&plain_mode=read-only&level=1
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', sample_1.id) AS json
FROM sample AS sample_1
WHERE sample_1.color = ? AND sample_1.plain_mode = ? AND sample_1.level = ? ORDER BY sample_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/color, query/plain_mode, query/level, 0
