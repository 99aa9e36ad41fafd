-- GET /desks/1,2
SELECT convert_to(anon_1.json::text, 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT desk_1.floor AS floor, desk_1.number AS number, desk_1.color AS color, desk_1.person_id AS person_id
FROM desk AS desk_1
WHERE desk_1.floor = $1::INTEGER AND desk_1.number = $2::INTEGER) AS anon_2) AS anon_1
-- path/floor, path/number
