-- GET /books/1?fields=id
SELECT anon_1.json AS body
FROM (SELECT json_object('id', book_1.id) AS json
FROM book AS book_1
WHERE book_1.deleted_at IS NULL AND book_1.id = ?) AS anon_1
-- path/id
