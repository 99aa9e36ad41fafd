-- GET /people?fields=id&name__contains=a&name__istartswith=A&name__like=_d%25
SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', person_1.id) AS json
FROM person AS person_1
WHERE person_1.name GLOB ? = 1 AND onetrip_fold(person_1.name) GLOB ? = 1 AND person_1.name GLOB ? = 1 ORDER BY person_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1
-- query/name__contains, query/name__istartswith, query/name__like, 0
