-- GET /samples?fields=id&sort=color
SELECT count(*) || coalesce(char(31) || group_concat(anon_1.position, char(31)), '') || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', anon_2.id) AS json, json_array(CASE typeof(anon_2.color) WHEN 'text' THEN anon_2.color WHEN 'null' THEN NULL ELSE json(onetrip_position(anon_2.color)) END, anon_2.id) AS position
FROM (SELECT sample_1.id AS id, sample_1.color AS color
FROM sample AS sample_1 ORDER BY sample_1.color ASC NULLS LAST, sample_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_2) AS anon_1
-- 0
