-- GET /shelves/1/books?fields=id
SELECT (SELECT convert_to(concat_ws(chr(30), count(*), string_agg(anon_1.json::text, chr(30))), 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT book_1.id AS id, (SELECT row_to_json(x.*) FROM (SELECT placement_1.place AS "place") AS x) AS _link
FROM book AS book_1, placement AS placement_1
WHERE book_1.deleted_at IS NULL AND shelf_1.id = placement_1.shelf_id AND book_1.id = placement_1.book_id AND placement_1.deleted_at IS NULL ORDER BY book_1.id ASC
 LIMIT 51) AS anon_2) AS anon_1) AS body
FROM shelf AS shelf_1
WHERE shelf_1.id = $1::INTEGER
-- path/id
