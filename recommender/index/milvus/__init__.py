"""The SearchIndex in Milvus: the connection, what a generation's collections hold, how they are written and searched.
Only `client.py` imports pymilvus. What local files hold belongs in the modules above this folder."""
