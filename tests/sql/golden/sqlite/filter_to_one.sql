-- GET /people?fields=id&team.name__icontains=core
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE EXISTS (SELECT 1
FROM team AS team_1
WHERE team_1.id = person_1.team_id AND onetrip_fold(team_1.name) GLOB ? = 1) ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/team.name__icontains, 0
