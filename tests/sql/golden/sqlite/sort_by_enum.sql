-- GET /samples?fields=id&sort=color
SELECT count(*) || coalesce(char(31) || group_concat(anon_1.position, char(31)), '') || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', sample_1.id) AS json, json_array(CASE typeof(sample_1.color) WHEN 'text' THEN sample_1.color WHEN 'null' THEN NULL ELSE json(onetrip_position(sample_1.color)) END, sample_1.id) AS position
FROM sample AS sample_1 ORDER BY sample_1.color ASC NULLS LAST, sample_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
