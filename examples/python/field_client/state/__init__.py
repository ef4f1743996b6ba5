"""What a client knows of the field: the server's state, and own updates on top of it."""
