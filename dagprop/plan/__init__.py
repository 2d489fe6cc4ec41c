"""*In which order*: shapes, forward steps, backward steps.  Nothing is executed here."""
