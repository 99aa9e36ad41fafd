"""CodeClash, a blog for developers: users, posts, comments and tags."""
