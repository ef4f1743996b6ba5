"""How the client talks to the server: requests, tokens, and the event stream."""
