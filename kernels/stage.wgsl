// target[i] = pool[... FIRST + i]: a piece of the expert that lib/stage_guess.wgsl
// chose, if its place in the pool is among the bound ones, and if as many vec4s of it
// are to be staged.
//   before_* what the op that runs beside this reads: WebGPU waits before a dispatch
//   whenever one of its buffers changes between written and read, so all waiting is
//   done before this, and the op behind it begins at once.
// Needs: bound, bring.
override TOP_K: u32;
override EXPERT_WORDS: u32;
override FIRST: u32;  // of the piece, in vec4s
override COUNT: u32;

@group(0) @binding(0) var<storage, read_write> target_area: array<vec4u>;
@group(0) @binding(3) var<storage, read> uses: array<vec4u>;
@group(0) @binding(4) var<storage, read> before_a: array<u32>;
@group(0) @binding(5) var<storage, read> before_b: array<u32>;
@group(0) @binding(6) var<storage, read> before_c: array<u32>;
@group(0) @binding(11) var<storage, read> pool: array<vec4u>;

var<private> first: u32;  // of the piece, in the pool

fn bring_from(i: u32) -> vec4u { return pool[first + i]; }
fn bring_to(i: u32, v: vec4u) { target_area[i] = v; }

@compute @workgroup_size(WG)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let staged = uses[TOP_K];
  // A number below the first wraps around and is too large, as NONE is.
  let expert = staged.x - bound.first_expert;
  if (staged.x == 0xffffffffu || expert >= bound.expert_count || staged.y <= FIRST) { return; }
  // Never true: a binding must be named to be waited for.
  if (min(arrayLength(&before_a), min(arrayLength(&before_b), arrayLength(&before_c))) == 0u) {
    return;
  }
  first = (bound.pool_index + expert) * (EXPERT_WORDS / 4u) + FIRST;
  bring(id.x, groups.x, lane, min(COUNT, staged.y - FIRST));
}
