"""Networks of arrays: calls over memory that is laid out once, fused kernels, products, and threads that share them."""
