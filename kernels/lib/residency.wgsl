// The router's choice decides which experts are brought in, to the bit by the rules
// of `acquire` in src/offload/expert_cache.ts: each missing expert, by rank, takes the
// lowest empty slot, else that of the lowest score (of equal ones the lowest slot)
// whose expert the token does not name. No score changes on the way, so invocations
// sort the slots side by side, and the missing experts take the first ones.
//   block   the layer's words: src/offload/residency_block.ts. If its slot count is
//           0 the host decides, and only the log is written.
//   uses    (TOP_K) vec4u for the kernels of experts: rank, slot, expert, and 0 if it is
//           there, else 1 more than how many of its vec4s are staged; those first
//   factors (HALF_LIFE) u32: `decayFactors()` in src/offload/use_history.ts
// Needs: stage_*; overrides WG, E, TOP_K, GUESS, picks, shares.
override POLICY: u32;     // 0 lru, 1 lfu, 2 class-lru: src/offload/eviction.ts
override HALF_LIFE: u32;

@group(0) @binding(5) var<storage, read_write> block: array<u32>;
@group(0) @binding(8) var<storage, read_write> uses: array<vec4u>;
@group(0) @binding(10) var<storage, read> factors: array<u32>;

// Where things are in the block.
const CLOCK = 1u;  // then hits, misses, evictions
const ID_OF = 8u;
override SLOT_OF = ID_OF + E;
override LAST_USED = ID_OF + 2u * E;
override USES = ID_OF + 3u * E;
override DECAYED_USES = ID_OF + 4u * E;
override LOG_IDS = ID_OF + 5u * E;
override LOG_WEIGHTS = LOG_IDS + TOP_K;
override LOG_GUESS = LOG_WEIGHTS + TOP_K;

const NONE = 0xffffffffu;  // no expert, or no slot
// What becomes of a slot, in the order in which slots are taken.
const EMPTY = 0u;
const HELD = 1u;
const NAMED = 2u;

var<workgroup> header: array<u32, 8>;
var<workgroup> id_of: array<u32, E>;       // by slot
var<workgroup> slot_of: array<u32, E>;     // this and the next three by expert
var<workgroup> score: array<u32, E>;       // its expert is evicted first where it is low
var<workgroup> use_count: array<u32, E>;   // before this token
var<workgroup> decayed_uses: array<u32, E>;  // if this token uses it
var<workgroup> turn: array<vec2u, E>;      // by slot: what becomes of it, its score
var<workgroup> taken: array<u32, E>;       // slots in the order in which they are taken

// Reads the block while invocation 0 chooses: the last ones do it, of another subgroup if any.
fn prepare(lane: u32) {
  read_staged(lane);
  let first = WG - 1u - lane;
  for (var i = first; i < ID_OF; i += WG) { header[i] = block[i]; }
  for (var i = first; i < E; i += WG) {
    id_of[i] = block[ID_OF + i];
    slot_of[i] = block[SLOT_OF + i];
    let last = block[LAST_USED + i];
    let count = block[USES + i];
    let decayed = block[DECAYED_USES + i];
    let age = block[CLOCK] + 1u - last;
    let product = decayed * factors[age % HALF_LIFE] + 0x8000u;
    use_count[i] = count;
    decayed_uses[i] = min(((product >> 16u) >> min(age / HALF_LIFE, 31u)) + 256u, 0xffffu);
    let shift = 7u - firstLeadingBit(max(decayed >> 8u, 1u));
    let class_lru = NONE - (min(age, 0xffffffu) << shift);
    score[i] = select(select(class_lru, count, POLICY == 1u), last, POLICY == 0u);
  }
}

// Whether the slot is empty, or its expert one of the token's.
fn turn_of(slot: u32) -> vec2u {
  let id = id_of[slot];
  if (id == NONE) { return vec2u(EMPTY, 0u); }
  for (var rank = 0u; rank < TOP_K; rank++) {
    if (picks[rank] == id) { return vec2u(NAMED, 0u); }
  }
  return vec2u(HELD, score[id]);
}

// How many slots are taken before this one.
fn place_of(slot: u32, slot_count: u32) -> u32 {
  let own = turn[slot];
  var place = 0u;
  for (var other = 0u; other < slot_count; other++) {
    let its = turn[other];
    let is_lower = its.y < own.y || (its.y == own.y && other < slot);
    place += select(0u, 1u, its.x < own.x || (its.x == own.x && is_lower));
  }
  return place;
}

// How many of the first ranks miss their expert.
fn misses_before(end: u32) -> u32 {
  var count = 0u;
  for (var rank = 0u; rank < end; rank++) {
    count += select(0u, 1u, slot_of[picks[rank]] == NONE);
  }
  return count;
}

fn write_use(rank: u32, miss_count: u32) {
  let id = picks[rank];
  let before = misses_before(rank);
  var slot = slot_of[id];
  let is_missing = slot == NONE;
  if (is_missing) {
    slot = taken[before];
    let evicted = id_of[slot];
    if (evicted != NONE) { block[SLOT_OF + evicted] = NONE; }
    block[ID_OF + slot] = id;
    block[SLOT_OF + id] = slot;
  }
  block[LAST_USED + id] = header[CLOCK] + 1u;
  block[USES + id] = select(use_count[id], 0u, is_missing) + 1u;
  block[DECAYED_USES + id] = decayed_uses[id];
  let place = select(miss_count + rank - before, before, is_missing);
  uses[place] = vec4u(rank, slot, id, select(0u, 1u + staged_of(id), is_missing));
}

fn write_counts(miss_count: u32) {
  var eviction_count = 0u;
  for (var i = 0u; i < miss_count; i++) {
    eviction_count += select(1u, 0u, id_of[taken[i]] == NONE);
  }
  block[CLOCK] = header[CLOCK] + 1u;
  block[2] = header[2] + TOP_K - miss_count;
  block[3] = header[3] + miss_count;
  block[4] = header[4] + eviction_count;
}

fn write_log(lane: u32) {
  for (var i = lane; i < TOP_K; i += WG) {
    block[LOG_IDS + i] = picks[i];
    block[LOG_WEIGHTS + i] = bitcast<u32>(shares[i]);
  }
  for (var i = lane; i < GUESS; i += WG) { block[LOG_GUESS + i] = picks[TOP_K + i]; }
}

fn tell(lane: u32) {
  workgroupBarrier();
  let slot_count = header[0];
  let miss_count = misses_before(TOP_K);
  for (var slot = lane; slot < slot_count; slot += WG) { turn[slot] = turn_of(slot); }
  workgroupBarrier();
  for (var slot = lane; slot < slot_count; slot += WG) {
    taken[place_of(slot, slot_count)] = slot;
  }
  workgroupBarrier();
  write_log(lane);
  stage(lane, miss_count);
  if (slot_count == 0u) { return; }
  for (var rank = lane; rank < TOP_K; rank += WG) { write_use(rank, miss_count); }
  if (lane == 0u) { write_counts(miss_count); }
}
