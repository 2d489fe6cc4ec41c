"""*What* is the network: records, the JSON file, checks, topology, definitions."""
