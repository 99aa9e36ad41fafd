-- GET /people?fields=id&not=(boss.team.name=Core)
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE (SELECT (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = person_2.team_id) AS anon_2
FROM person AS person_2
WHERE person_2.id = person_1.boss_id) != ? ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/not/boss.team.name, 0
