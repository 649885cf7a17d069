"""Data sets: handwritten digits, synthetic wafers and sounds, users' files. No TensorFlow."""
