-- GET /teams/1/members
SELECT (SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id, 'name', person_1.name, 'budget', onetrip_decimal(person_1.budget, 2), 'team_id', person_1.team_id, 'boss_id', person_1.boss_id) AS json
FROM person AS person_1
WHERE team_1.id = person_1.team_id ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1) AS body
FROM team AS team_1
WHERE team_1.id = ?
-- 0, path/id
