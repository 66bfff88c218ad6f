// 4 x 4 sums: four numbers x times four w; a column of sums is one x.
fn outer(sums: mat4x4f, w: vec4f, x: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(vec4f(x.x), w, sums[0]),
    fma(vec4f(x.y), w, sums[1]),
    fma(vec4f(x.z), w, sums[2]),
    fma(vec4f(x.w), w, sums[3]),
  );
}

// Four of them: of the columns of w4 and of x4.
fn outer4(s: mat4x4f, w4: mat4x4f, x4: mat4x4f) -> mat4x4f {
  return outer(outer(outer(outer(s, w4[0], x4[0]), w4[1], x4[1]), w4[2], x4[2]), w4[3], x4[3]);
}
