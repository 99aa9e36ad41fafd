"""The command line: `onetrip serve`. It enters through `app` and owns nothing that a program could need."""
