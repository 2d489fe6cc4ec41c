"""What are the *primitive operations*: the rules of a plan, recorded as one straight program."""
