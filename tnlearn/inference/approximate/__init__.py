"""Where exact costs too much: estimates, each with an error and a flag."""
