"""CodeClash, a blog for developers: users, posts and comments."""
