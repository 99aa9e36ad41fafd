-- GET /teams?include=members.reports.boss
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', team_1.id, 'name', team_1.name, 'members', json((SELECT '[' || coalesce(group_concat(anon_2.json), '') || ']' AS template_1
FROM (SELECT json_object('id', person_1.id, 'name', person_1.name, 'budget', onetrip_decimal(person_1.budget, 2), 'team_id', person_1.team_id, 'boss_id', person_1.boss_id, 'reports', json((SELECT '[' || coalesce(group_concat(anon_3.json), '') || ']' AS template_2
FROM (SELECT json_object('id', person_2.id, 'name', person_2.name, 'budget', onetrip_decimal(person_2.budget, 2), 'team_id', person_2.team_id, 'boss_id', person_2.boss_id, 'boss', json((SELECT json_object('id', person_3.id, 'name', person_3.name, 'budget', onetrip_decimal(person_3.budget, 2), 'team_id', person_3.team_id, 'boss_id', person_3.boss_id) AS json
FROM person AS person_3
WHERE person_3.id = person_2.boss_id))) AS json
FROM person AS person_2
WHERE person_1.id = person_2.boss_id ORDER BY person_2.id ASC
 LIMIT 100 OFFSET ?) AS anon_3))) AS json
FROM person AS person_1
WHERE team_1.id = person_1.team_id ORDER BY person_1.id ASC
 LIMIT 100 OFFSET ?) AS anon_2))) AS json
FROM team AS team_1 ORDER BY team_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0, 0, 0
