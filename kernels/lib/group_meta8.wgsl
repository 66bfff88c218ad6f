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

// Which metas 4 scales in a row have.
fn meta_of(j: u32) -> vec4u {
  let four = vec4u(0u, 1u, 2u, 3u);
  if (META % 4u == 0u && K % 4u == 0u) { return vec4u(j % META) + four; }
  return (vec4u(j) + four) % vec4u(META);
}

fn group_at(base: u32, g: u32, k4: u32) -> Group {
  let raw = raw_group_at(base, g, k4);
  let all = shared_at(base);
  let scale = (vec4f(unpack4xU8(raw.scale_q)) - raw.mz) * raw.ms;
  return Group(scale, (vec4f(unpack4xU8(raw.zero_q)) - vec4f(all.y)) * all.x);
}

// The same in two steps, so that what is read can be used later: as it is read, and
// what the whole matrix shares, ms0 and mz0.
struct RawGroup { scale_q: u32, zero_q: u32, ms: vec4f, mz: vec4f }
alias Shared = vec2f;

fn shared_at(base: u32) -> Shared {
  let at = base + META_AT + 2u * META;
  return vec2f(bitcast<f32>(w[at]), bitcast<f32>(w[at + 1u]));
}

fn raw_group_at(base: u32, g: u32, k4: u32) -> RawGroup {
  let quad = base + g * ((K + 3u) / 4u) + k4;
  let ms = base + META_AT;
  let c = meta_of(g * K + 4u * k4);
  return RawGroup(w[quad + SCALE_AT], w[quad + ZERO_AT], meta4(ms, c), meta4(ms + META, c));
}

// Bytes become floats by their bits, as in `codes_by_bits`.
fn bytes4(v: u32) -> vec4f {
  let bytes = (vec4u(v) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(0xffu);
  return bitcast<vec4f>(bytes | vec4u(0x4b000000u)) - vec4f(8388608.0);
}

fn group_of(raw: RawGroup, all: Shared) -> Group {
  let scale = (bytes4(raw.scale_q) - raw.mz) * raw.ms;
  return Group(scale, (bytes4(raw.zero_q) - vec4f(all.y)) * all.x);
}

// The members of a packed row share the group.
fn group_of_member(group: Group, base: u32, n: u32, k4: u32) -> Group { return group; }
