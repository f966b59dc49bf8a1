"""The only speaker of SQL: functions take a transaction first and never commit."""
