"""What backends of array libraries share, over any namespace of the Python array API standard."""
