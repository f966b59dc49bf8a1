"""The report as one HTML page, made of strings: it needs no library and loads nothing."""
