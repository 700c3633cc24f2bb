"""Unity Catalog: names, schemas and volumes, and external locations."""
