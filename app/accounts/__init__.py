"""Who you are: users, sessions, API tokens."""
