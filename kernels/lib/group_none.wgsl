// Weights that are not quantized: scale 1, zero 0.
struct Group { scale: vec4f, zero: vec4f }

fn group_at(base: u32, g: u32, k4: u32) -> Group {
  return Group(vec4f(1.0), vec4f(0.0));
}

fn group_of_member(group: Group, base: u32, n: u32, k4: u32) -> Group { return group; }

// It is read as it is.
alias RawGroup = Group;
alias Shared = u32;

fn shared_at(base: u32) -> Shared { return 0u; }
fn raw_group_at(base: u32, g: u32, k4: u32) -> RawGroup { return group_at(base, g, k4); }
fn group_of(raw: RawGroup, all: Shared) -> Group { return raw; }
