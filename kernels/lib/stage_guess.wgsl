// The router of a layer also names the expert of which a part comes over the bus
// before the next layer's router runs: the first guess that has no slot there. One is
// enough: no time between two routers is long enough for a whole one. Nothing in a slot is
// touched.
//   uses[TOP_K]      what is staged: expert or NONE, how many of its vec4s
//   uses[TOP_K + 1]  written by the host: at how many guesses to look; 0: stage nothing
//   block            goes on with the next layer's, if STAGED_MOST is not 0
// Needs: residency.
override BLOCK_WORDS: u32;
override STAGED_LEAST: u32;  // vec4s that are staged in any case
override STAGED_MOST: u32;   // and if this layer misses nothing: the bus is idle

const STAGED_ID = 5u;  // in the block, for the host: what was staged for this layer
const STAGED_COUNT = 6u;

var<workgroup> staged: vec2u;  // for this layer

fn read_staged(lane: u32) {
  if (lane == WG - 1u) { staged = uses[TOP_K].xy; }
}

fn staged_of(expert: u32) -> u32 { return select(0u, staged.y, expert == staged.x); }

fn first_missing_guess() -> u32 {
  let count = min(uses[TOP_K + 1u].x, GUESS);
  if (STAGED_MOST == 0u || block[BLOCK_WORDS] == 0u) { return NONE; }
  for (var i = 0u; i < count; i++) {
    let id = picks[TOP_K + i];
    if (block[BLOCK_WORDS + SLOT_OF + id] == NONE) { return id; }
  }
  return NONE;
}

fn stage(lane: u32, miss_count: u32) {
  if (lane != 0u) { return; }
  block[STAGED_ID] = staged.x;
  block[STAGED_COUNT] = staged.y;
  let id = first_missing_guess();
  let count = select(STAGED_LEAST, STAGED_MOST, miss_count == 0u);
  uses[TOP_K] = vec4u(id, select(count, 0u, id == NONE), 0u, 0u);
}
