// Weights that are not quantized: scale 1, zero 0.
struct Group { scale: vec4f, zero: vec4f }

fn group_at(base: u32, g: u32, k4: u32) -> Group {
  return Group(vec4f(1.0), vec4f(0.0));
}

alias GroupPart = Group;
fn group_part(base: u32, packed: u32, k4: u32) -> GroupPart {
  return group_at(base, packed, k4);
}
fn group_of_code(part: GroupPart, i: u32) -> Group { return part; }
