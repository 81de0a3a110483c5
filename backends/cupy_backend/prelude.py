"""What stands before every kernel: the numbers of a precision, and their powers of two.

Nothing but functions that NVRTC has built in is called.
"""

from __future__ import annotations

from tnlearn_backends.array_backend.powers import limits

REAL = """typedef real number;
__device__ inline number zero() { return 0; }
__device__ inline number conjugate(number a) { return a; }
__device__ inline number scaled(number a, real factor) { return a * factor; }
__device__ inline number shifted(number a, int power) { return power ? scalbn(a, power) : a; }
"""
COMPLEX = """struct number { real re, im; };
__device__ inline number zero() { number z = {0, 0}; return z; }
__device__ inline number operator*(number a, number b) {
    number c = {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    return c;
}
__device__ inline number& operator+=(number& a, number b) {
    a.re += b.re;
    a.im += b.im;
    return a;
}
__device__ inline number conjugate(number a) { number b = {a.re, -a.im}; return b; }
__device__ inline number scaled(number a, real factor) {
    number b = {a.re * factor, a.im * factor};
    return b;
}
__device__ inline number shifted(number a, int power) {
    if (power == 0) return a;
    number b = {scalbn(a.re, power), scalbn(a.im, power)};
    return b;
}
"""
#: The extent of the magnitudes of a tensor, and the power of two that brings them to one: the
#: largest that a float holds, where the right one is beyond, as in `array_backend.powers`.
EXTENT = """struct extent {{ real top, least, factor; int power; }};
__device__ inline extent nothing() {{
    extent found = {{0, scalbn((real)1, {high}), 1, 0}};
    return found;
}}
__device__ inline void widen(extent& found, real part) {{
    part = part < 0 ? -part : part;
    if (part > found.top) found.top = part;
    if (part > 0 && part < found.least) found.least = part;
}}
__device__ inline void look(extent& found, number a) {{ {look} }}
__device__ inline int measured(extent& found, int lowest) {{
    if (found.top > 0) frexp(found.top, &found.power);
    found.factor = scalbn((real)1, -found.power < {high} ? -found.power : {high});
    return found.least * found.factor < scalbn((real)1, lowest);
}}
"""


def prelude(dtype: str) -> str:
    """The type `number`, and all that steps do with one."""
    is_complex = dtype.startswith("complex")
    real = "float" if dtype in ("float32", "complex64") else "double"
    look = "widen(found, a.re); widen(found, a.im);" if is_complex else "widen(found, a);"
    extent = EXTENT.format(high=limits(dtype).high, look=look)
    return f"typedef {real} real;\n{COMPLEX if is_complex else REAL}{extent}"
