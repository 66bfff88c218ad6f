// The products of attention_wide.wgsl, in registers: 8 rows of what is in shared
// memory. Everything but the place of a lane is known when it is compiled, so that
// loads need no arithmetic.
// Needs: attention_slices, outer.

// 8 rows x 4.
struct Square { top: mat4x4f, bottom: mat4x4f }

fn shrunk(s: Square, top: vec4f, bottom: vec4f) -> Square {
  let a = s.top;
  let b = s.bottom;
  return Square(
    mat4x4f(a[0] * top.x, a[1] * top.y, a[2] * top.z, a[3] * top.w),
    mat4x4f(b[0] * bottom.x, b[1] * bottom.y, b[2] * bottom.z, b[3] * bottom.w),
  );
}

// Adds an element of 8 rows of q times that of 4 keys.
fn score(s: Square, side: u32, ri: u32, pi: u32, e: u32) -> Square {
  let key = slices[side][1][e][turned(pi, e / 4u)];
  return Square(
    outer(s.top, key, slices[side][0][e][turned(ri * 2u, e / 4u)]),
    outer(s.bottom, key, slices[side][0][e][turned(ri * 2u + 1u, e / 4u)]),
  );
}

fn score_4(s: Square, side: u32, ri: u32, pi: u32, e: u32) -> Square {
  let a = score(s, side, ri, pi, e);
  let b = score(a, side, ri, pi, e + 1u);
  let c = score(b, side, ri, pi, e + 2u);
  return score(c, side, ri, pi, e + 3u);
}

// Adds a slice of 16 elements.
fn score_slice(s: Square, side: u32, ri: u32, pi: u32) -> Square {
  let a = score_4(s, side, ri, pi, 0u);
  let b = score_4(a, side, ri, pi, 4u);
  let c = score_4(b, side, ri, pi, 8u);
  return score_4(c, side, ri, pi, 12u);
}

// 8 rows of two vec4s of a head.
struct Sums { a: Square, b: Square }

// Adds the weights of 8 rows times the value of position j of slice `slice`.
fn add(s: Sums, side: u32, slice: u32, ri: u32, pi: u32, j: u32) -> Sums {
  let top = p[slice][j][p_turned(ri * 2u, slice, j)];
  let bottom = p[slice][j][p_turned(ri * 2u + 1u, slice, j)];
  let v = slices[side][0][j][pi];
  var sums = s;
  sums.a = Square(outer(s.a.top, v, top), outer(s.a.bottom, v, bottom));
  if (QUADS > 16u) {
    let w = slices[side][1][j][pi];
    sums.b = Square(outer(s.b.top, w, top), outer(s.b.bottom, w, bottom));
  }
  return sums;
}

fn add_4(s: Sums, side: u32, slice: u32, ri: u32, pi: u32, j: u32) -> Sums {
  let a = add(s, side, slice, ri, pi, j);
  let b = add(a, side, slice, ri, pi, j + 1u);
  let c = add(b, side, slice, ri, pi, j + 2u);
  return add(c, side, slice, ri, pi, j + 3u);
}

// Adds a slice of 16 positions.
fn add_slice(s: Sums, side: u32, slice: u32, ri: u32, pi: u32) -> Sums {
  let a = add_4(s, side, slice, ri, pi, 0u);
  let b = add_4(a, side, slice, ri, pi, 4u);
  let c = add_4(b, side, slice, ri, pi, 8u);
  return add_4(c, side, slice, ri, pi, 12u);
}
