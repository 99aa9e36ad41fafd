-- GET /people?fields=name,id
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('name', person_1.name, 'id', person_1.id) AS json
FROM person AS person_1 ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
