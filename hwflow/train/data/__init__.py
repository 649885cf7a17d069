"""Data sets: handwritten digits, synthetic calorimeter wafers, users' own files. No TensorFlow."""
