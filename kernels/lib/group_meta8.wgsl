// Scale and zero of 4 inputs of a group, themselves quantized to 8 bits (HQQ's
// quant_scale and quant_zero): for j = g K + k
//   scale[j] = (scale_q[j] - mz[j mod C]) * ms[j mod C]
//   zero[j]  = (zero_q[j] - mz0) * ms0
// In the matrix: scale_q and zero_q (G, K4 * 4) u8 at SCALE_AT and ZERO_AT,
// ms (C) f32, mz (C) f32, ms0, mz0 at META_AT, in words from the matrix' start.
// Needs: w (the matrix), override K.
override SCALE_AT: u32;
override ZERO_AT: u32;
override META_AT: u32;
override META: u32;  // C: how many groups of scales there are

struct Group { scale: vec4f, zero: vec4f }

fn meta4(at: u32, c: vec4u) -> vec4f {
  return bitcast<vec4f>(vec4u(w[at + c.x], w[at + c.y], w[at + c.z], w[at + c.w]));
}

fn group_at(base: u32, g: u32, k4: u32) -> Group {
  let quad = base + g * ((K + 3u) / 4u) + k4;
  let scale_q = vec4f(unpack4xU8(w[quad + SCALE_AT]));
  let zero_q = vec4f(unpack4xU8(w[quad + ZERO_AT]));
  let ms = base + META_AT;
  let c = (vec4u(g * K + 4u * k4) + vec4u(0u, 1u, 2u, 3u)) % vec4u(META);
  let scale = (scale_q - meta4(ms + META, c)) * meta4(ms, c);
  let ms0 = bitcast<f32>(w[ms + 2u * META]);
  let mz0 = bitcast<f32>(w[ms + 2u * META + 1u]);
  return Group(scale, (zero_q - vec4f(mz0)) * ms0);
}

// The members of a packed row share the group.
fn group_of_member(group: Group, base: u32, n: u32, k4: u32) -> Group { return group; }
