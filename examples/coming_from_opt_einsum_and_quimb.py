"""Coming from opt_einsum and quimb: the same calls, their optimizers, and what is new.

Claim: einsum strings, interleaved indices, paths and quimb networks carry over in a line each and
give the same numbers; log values, all gradients and samples come on top.
"""

import cotengra
import numpy as np
import opt_einsum
import quimb.tensor as qtn

import tnlearn as tnl

generator = np.random.default_rng(0)
a, b, c = (generator.normal(size=(8, 8)) for _ in range(3))

# opt_einsum: contract and its interleaved form are spelled alike.
wanted = opt_einsum.contract("ij,jk,kl->il", a, b, c)
assert np.allclose(tnl.contract("ij,jk,kl->il", a, b, c), wanted)
assert np.allclose(tnl.contract(a, ["i", "j"], b, ["j", "k"], c, ["k", "l"], ["i", "l"]), wanted)
assert np.allclose(tnl.ncon([a, b, c], [[-1, 1], [1, 2], [2, -2]]), wanted)

# opt_einsum's and cotengra's optimizers, and explicit paths, are accepted as they are.
grid = tnl.grid(5, 5, 3, seed=0)
for search in ("dp", opt_einsum.RandomGreedy(max_repeats=8), cotengra.GreedyOptimizer()):
    plan = tnl.plan(grid, search=search)
    print(f"{plan.order:<18} {plan.cost.flops:.2e} flops, width {plan.cost.width:.1f}")

# contract_expression -> compile: plan once, run often; gradients need no framework.
program = tnl.compile(grid, search="dp")
x = program.pack([tensor.data for tensor in grid])
value, packed = program.value_and_gradient(x)
gradients = program.unpack(packed)
assert all(np.isclose((g * t.data).sum(), value) for g, t in zip(gradients, grid, strict=True))

# quimb: tensors and indices are all there is to a network. Hyperedges need nothing special.
theirs = qtn.TN2D_classical_ising_partition_function(6, 6, beta=0.44)
ours = tnl.TensorNetwork([tnl.Tensor(t.data, t.inds) for t in theirs])
log_z = tnl.log_contract(ours).log
print(f"6x6 Ising, log Z from quimb's tensors: {log_z:.12f}")
assert np.isclose(log_z, np.log(theirs.contract()), rtol=1e-12)

# Beyond the range of floats, where a plain contraction overflows.
tall = tnl.TensorNetwork([tnl.Tensor(t.data * 1e20, t.inds) for t in theirs])
assert np.isclose(tnl.log_contract(tall).log, log_z + len(ours) * 20 * np.log(10))
try:
    tnl.contract(tall)
except OverflowError as error:
    print(f"a float cannot hold it: {error}")
