-- GET /people?fields=id&count=estimated
SELECT count(*) || '/' || (SELECT count(*) AS count_1
FROM person AS person_1) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_2.id) AS json
FROM person AS person_2 ORDER BY person_2.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
