-- GET /samples?fields=id&sort=color
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', sample_1.id) AS json
FROM sample AS sample_1 ORDER BY sample_1.color ASC NULLS LAST, sample_1.id ASC
 LIMIT ? + 1 OFFSET ?) AS anon_1
-- query/limit, query/offset
