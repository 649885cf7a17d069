"""Float functions of integers as exact integer forms, with certificates; for every importer."""
