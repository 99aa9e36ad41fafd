-- GET /people?fields=id&boss_id__is_null=true&team.name__is_null=false
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE person_1.boss_id IS NULL AND (SELECT team_1.name
FROM team AS team_1
WHERE team_1.id = person_1.team_id) IS NOT NULL ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- 0
