// y[head] = the merged states of the parts that attention_split.wgsl tells of, of a
// single token. One workgroup for STATE_QUADS vec4s of a head; as many lanes read some
// of the parts each.
// Needs: attention_state, attention_states.
override WG: u32;         // STATES STATE_QUADS
override QUADS: u32;
override D: u32;
override HEADS: u32;
override PARTS: u32;

@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<storage, read> parts: array<vec4f>;

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let head = id.x;
  let quad = id.y * STATE_QUADS + lane % STATE_QUADS;
  let state = lane / STATE_QUADS;
  var own = State(LOWEST, 0.0, vec4f());
  for (var part = state; part < PARTS; part += STATES) {
    let at = (part * HEADS + head) * (QUADS + 1u);
    let sum = parts[at + min(quad, QUADS - 1u)];
    let top = parts[at + QUADS];  // maximum, total
    let highest = max(own.highest, top.x);
    let shrink = exp(own.highest - highest);
    let weight = exp(top.x - highest);
    own = State(highest, own.total * shrink + top.y * weight, own.sum * shrink + sum * weight);
  }
  let merged = merge_states(state, lane % STATE_QUADS, own);
  if (state > 0u) { return; }
  let out = merged.sum / merged.total;
  for (var c = 0u; c < 4u; c++) {
    if (quad * 4u + c < D) { y[head * D + quad * 4u + c] = out[c]; }
  }
}
