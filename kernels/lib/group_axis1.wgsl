// Groups along axis 1: GROUP inputs of one output row, a multiple of 4, share scale
// and zero, both (N, K / GROUP) f32, at SCALE_AT and ZERO_AT in words from the
// matrix' start.
// Needs: w (the matrix), override K.
override GROUP: u32;
override SCALE_AT: u32;
override ZERO_AT: u32;

struct Group { scale: vec4f, zero: vec4f }

// A packed row has no group of its own, only its members have.
fn group_at(base: u32, g: u32, k4: u32) -> Group { return Group(); }

fn group_of_member(group: Group, base: u32, n: u32, k4: u32) -> Group {
  let at = base + n * (K / GROUP) + 4u * k4 / GROUP;
  return Group(
    vec4f(bitcast<f32>(w[at + SCALE_AT])),
    vec4f(bitcast<f32>(w[at + ZERO_AT])),
  );
}

// It is read as it is.
alias RawGroup = Group;
alias Shared = u32;

fn shared_at(base: u32) -> Shared { return 0u; }
fn raw_group_at(base: u32, g: u32, k4: u32) -> RawGroup { return group_at(base, g, k4); }
fn group_of(raw: RawGroup, all: Shared) -> Group { return raw; }
