-- GET /shelves/1/books?fields=id
SELECT (SELECT count(*) || coalesce(char(30) || group_concat(anon_1.json, char(30)), '') AS body
FROM (SELECT json_object('id', book_1.id, '_link', json(json_object('place', placement_1.place))) AS json
FROM book AS book_1, placement AS placement_1
WHERE book_1.deleted_at IS NULL AND shelf_1.id = placement_1.shelf_id AND book_1.id = placement_1.book_id AND placement_1.deleted_at IS NULL ORDER BY book_1.id ASC
 LIMIT 51 OFFSET ?) AS anon_1) AS body
FROM shelf AS shelf_1
WHERE shelf_1.id = ?
-- 0, path/id
