-- GET /people:aggregate
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('count', groups.a0) AS json
FROM (SELECT count(*) AS a0
FROM (SELECT 1 AS one
FROM person AS person_1) AS asked) AS groups
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
