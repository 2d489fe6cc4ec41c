"""*Write* an op: from a formula to a plugin file with rules that keep their digits, and a check of what is written."""
