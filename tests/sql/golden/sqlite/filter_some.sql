-- GET /people?fields=id&reports=(name=Ben,budget__gt=1)
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE EXISTS (SELECT 1
FROM person AS person_2
WHERE person_1.id = person_2.boss_id AND person_2.name = ? AND person_2.budget > ?) ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/reports/name, query/reports/budget__gt, 0
