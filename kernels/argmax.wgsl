// picked[step.index] = tokens[0] = the id of the largest logit, the lowest among
// equals; as `argmax()` of src/engine/sampler.ts.
//   logits (N) f32, read as bits: integers know NaN from infinity on every GPU
//   picked (steps of one read-back) u32: NO_PICK if a logit is NaN or +infinity, or
//   all are -infinity    tokens (T) u32: the first is what the next step runs
// One workgroup: it reads each logit once, and a second dispatch would take longer
// than 32,000 of them do. Needs: step.
override WG: u32;
override N: u32;

@group(0) @binding(0) var<storage, read> logits: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> picked: array<u32>;
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;

// Must be kept in sync with src/ops/argmax.ts.
const NO_PICK = 0xffffffffu;
const NO_NUMBER = 0xffffffffu;
const INFINITY = 0x7f800000u;
const SIGN = 0x80000000u;

// Atomics of a workgroup begin at 0.
var<workgroup> highest: atomic<u32>;
var<workgroup> first: atomic<u32>;  // ~id: the largest has the lowest id

// Numbers that are ordered as the floats are: 0 for -infinity, and NO_NUMBER, the
// largest, for NaN and +infinity.
fn keys(bits: vec4u) -> vec4u {
  let size = bits & vec4u(~SIGN);
  let ordered = select(bits | vec4u(SIGN), ~bits, bits >= vec4u(SIGN));
  let numbers = select(ordered, vec4u(SIGN), size == vec4u());  // -0 equals 0
  let others = select(vec4u(NO_NUMBER), vec4u(), bits == vec4u(SIGN | INFINITY));
  return select(numbers, others, size >= vec4u(INFINITY));
}

// The better of the best so far, (key, id), and four logits after it.
fn better(best: vec2u, bits: vec4u, quad: u32) -> vec2u {
  let ids = quad * 4u + vec4u(0u, 1u, 2u, 3u);
  let k = select(keys(bits), vec4u(), ids >= vec4u(N));
  let top = max(max(k.x, k.y), max(k.z, k.w));
  if (top <= best.x) { return best; }
  let low = select(ids.y, ids.x, k.x == top);
  let high = select(ids.w, ids.z, k.z == top);
  return vec2u(top, select(high, low, max(k.x, k.y) == top));
}

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) lane: u32) {
  let last = (N - 1u) / 4u;
  var best = vec2u();
  // Eight loads in flight; one beyond the last is the last again, which is no better.
  for (var i = lane; i <= last; i += 8u * WG) {
    let at = min(i + WG * vec4u(0u, 1u, 2u, 3u), vec4u(last));
    let at_next = min(i + WG * vec4u(4u, 5u, 6u, 7u), vec4u(last));
    let a = logits[at.x];
    let b = logits[at.y];
    let c = logits[at.z];
    let d = logits[at.w];
    let e = logits[at_next.x];
    let f = logits[at_next.y];
    let g = logits[at_next.z];
    let h = logits[at_next.w];
    best = better(better(best, a, at.x), b, at.y);
    best = better(better(best, c, at.z), d, at.w);
    best = better(better(best, e, at_next.x), f, at_next.y);
    best = better(better(best, g, at_next.z), h, at_next.w);
  }
  atomicMax(&highest, best.x);
  workgroupBarrier();
  let top = atomicLoad(&highest);
  if (best.x == top) { atomicMax(&first, ~best.y); }
  workgroupBarrier();
  if (lane != 0u) { return; }
  let is_picked = top != 0u && top != NO_NUMBER;
  let id = ~atomicLoad(&first);
  picked[step.index] = select(NO_PICK, id, is_picked);
  tokens[0] = select(0u, id, is_picked);  // what runs after no pick is thrown away
}
