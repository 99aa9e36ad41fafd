-- GET /people?fields=id,reports.count,projects.count
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id, 'reports.count', (SELECT count(*) AS count_1
FROM person AS person_2
WHERE person_1.id = person_2.boss_id), 'projects.count', (SELECT count(*) AS count_2
FROM project AS project_1, membership AS membership_1
WHERE person_1.id = membership_1.person_id AND project_1.id = membership_1.project_id)) AS json
FROM person AS person_1 ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
