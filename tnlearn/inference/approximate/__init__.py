"""Where exact costs too much: estimates of log Z, each with an error and a flag."""
