-- GET /people?fields=id&budget__gte=1&budget__lt=9.5&name__ne=Ada&team_id__between=1,3
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE person_1.budget >= ? AND person_1.budget < ? AND person_1.name != ? AND person_1.team_id >= ? AND person_1.team_id <= ? ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/budget__gte, query/budget__lt, query/name__ne, query/team_id__between, query/team_id__between, 0
