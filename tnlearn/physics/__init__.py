"""Models of statistical physics, and the closed forms they are checked against."""

from tnlearn.physics.ising import Ising as Ising
