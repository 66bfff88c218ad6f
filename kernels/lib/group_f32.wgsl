// Scale and zero of 4 inputs of a group, both (G, K4 * 4) f32, at SCALE_AT and
// ZERO_AT in words from the matrix' start.
// Needs: w (the matrix), override K.
override SCALE_AT: u32;
override ZERO_AT: u32;

struct Group { scale: vec4f, zero: vec4f }

fn floats4(at: u32) -> vec4f {
  return bitcast<vec4f>(vec4u(w[at], w[at + 1u], w[at + 2u], w[at + 3u]));
}

fn group_at(base: u32, g: u32, k4: u32) -> Group {
  let at = base + 4u * (g * ((K + 3u) / 4u) + k4);
  return Group(floats4(at + SCALE_AT), floats4(at + ZERO_AT));
}

// The members of a packed row share the group.
fn group_of_member(group: Group, base: u32, n: u32, k4: u32) -> Group { return group; }

// It is read as it is.
alias RawGroup = Group;
alias Shared = u32;

fn shared_at(base: u32) -> Shared { return 0u; }
fn raw_group_at(base: u32, g: u32, k4: u32) -> RawGroup { return group_at(base, g, k4); }
fn group_of(raw: RawGroup, all: Shared) -> Group { return raw; }
