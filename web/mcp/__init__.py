"""The server behind `kollega mcp`, through which assistants that speak the Model Context Protocol ask Kollega. It is a
client of the API, so that a person's token gives exactly that person's rights."""
