"""Unity Catalog: names, schema and volume, external locations."""
