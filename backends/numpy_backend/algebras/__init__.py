"""Programs in other algebras than sums of products: best values, counts, lists, residues."""
