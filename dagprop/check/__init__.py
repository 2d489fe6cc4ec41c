"""Is a derivative *right*: gradient checking of ops and graphs."""
