-- GET /people?fields=id&or=(name=Ada,and=(budget__lt=1,team_id=2),id__in=(1,2))
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE person_1.name = ? OR person_1.budget < ? AND person_1.team_id = ? OR person_1.id IN (?, ?) ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/or/name, query/or/and/budget__lt, query/or/and/team_id, query/or/id__in, query/or/id__in, 0
