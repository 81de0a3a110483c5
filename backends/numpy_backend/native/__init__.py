"""Programs in native code: a tape of steps over one arena, run by kernels that numba compiles."""
