-- GET /teams/1?include=members
SELECT anon_1.json AS body
FROM (SELECT json_object('id', team_1.id, 'name', team_1.name, 'members', json((SELECT '[' || coalesce(group_concat(anon_2.json), '') || ']' AS template_1
FROM (SELECT json_object('id', person_1.id, 'name', person_1.name, 'budget', onetrip_decimal(person_1.budget, 2), 'team_id', person_1.team_id, 'boss_id', person_1.boss_id) AS json
FROM person AS person_1
WHERE team_1.id = person_1.team_id ORDER BY person_1.id ASC
 LIMIT 100 OFFSET ?) AS anon_2))) AS json
FROM team AS team_1
WHERE team_1.id = ?) AS anon_1
-- 0, path/id
