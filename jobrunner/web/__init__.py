"""REST and pages: who looks at a queue and steers it over HTTP."""
