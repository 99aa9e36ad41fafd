-- GET /books/1?fields=id
SELECT convert_to(anon_1.json::text, 'UTF8') AS body
FROM (SELECT row_to_json(anon_2.*) AS json
FROM (SELECT book_1.id AS id
FROM book AS book_1
WHERE book_1.deleted_at IS NULL AND book_1.id = $1::INTEGER) AS anon_2) AS anon_1
-- path/id
