-- GET /samples?fields=id&moment=2026-01-31T09:30:00Z
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', sample_1.id) AS json
FROM sample AS sample_1
WHERE sample_1.moment IN (?, replace(?, '.000000', ''), replace(replace(?, '.000000', ''), ' 00:00:00', '')) ORDER BY sample_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/moment, query/moment, query/moment, 0
