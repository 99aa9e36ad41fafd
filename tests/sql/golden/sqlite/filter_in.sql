-- GET /people?fields=id&id__in=1,2,3&team_id__not_in=4,5
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE person_1.id IN (?, ?, ?, ?) AND (person_1.team_id NOT IN (?, ?)) ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/id__in, query/id__in, query/id__in, query/id__in, query/team_id__not_in, query/team_id__not_in, 0
