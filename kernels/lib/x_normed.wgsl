// The rows of x under RMSNorm, which then needs no kernel of its own:
// W norm(x) = (W (weight * x)) / rms(x), so the sum of squares is taken on the way
// and divides the result.
//   norm_weight (X_STRIDE / 4) vec4f, zero beyond K
// Needs: x, override K.
override EPSILON: f32;
@group(0) @binding(6) var<storage, read_write> normed: array<vec4f>;  // if it is kept
@group(0) @binding(7) var<storage, read> norm_weight: array<vec4f>;

fn input4(row: u32, k4: u32) -> vec4f { return x[row + k4] * norm_weight[k4]; }

fn square4(row: u32, k4: u32) -> f32 {
  let v = x[row + k4];
  return dot(v, v);
}

// NaN if the squares overflowed: 1 / sqrt(infinity) would make zeros of the row.
fn input_scale(squares: f32) -> f32 {
  let mean = squares / f32(K) + EPSILON;
  let is_number = bitcast<u32>(mean) < 0x7f800000u;
  return bitcast<f32>(select(0x7fc00000u, bitcast<u32>(inverseSqrt(mean)), is_number));
}

// Keeps norm(x) for others.
fn keep4(row: u32, k4: u32, scale: f32) { normed[row + k4] = input4(row, k4) * scale; }
