-- GET /desks/1,2
SELECT anon_1.json AS body
FROM (SELECT json_object('floor', desk_1.floor, 'number', desk_1.number, 'color', desk_1.color, 'person_id', desk_1.person_id) AS json
FROM desk AS desk_1
WHERE desk_1.floor = ? AND desk_1.number = ?) AS anon_1
-- path/floor, path/number
