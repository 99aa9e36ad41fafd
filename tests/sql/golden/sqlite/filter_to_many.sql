-- GET /people?fields=id&reports.name=Ben&projects__exists=false
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE (EXISTS (SELECT 1
FROM person AS person_2
WHERE person_1.id = person_2.boss_id AND person_2.name = ?)) AND NOT (EXISTS (SELECT 1
FROM project AS project_1, membership AS membership_1
WHERE person_1.id = membership_1.person_id AND project_1.id = membership_1.project_id)) ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/reports.name, 0
