// Weights where they are.
struct Four { a: vec4u, b: vec4u, c: vec4u, d: vec4u }

@group(0) @binding(0) var<storage, read> w: array<vec4u>;

fn weight(at: u32) -> vec4u { return w[at]; }

fn word(at: u32) -> u32 { return w[at / 4u][at % 4u]; }

// Four of them, `step` apart.
fn weights(at: u32, step: u32) -> Four {
  return Four(w[at], w[at + step], w[at + 2u * step], w[at + 3u * step]);
}
