"""Networks of single numbers: the loop over the samples is machine code."""
