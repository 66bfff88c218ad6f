// The router's choice goes to host memory too: a single token's ids and guesses.
// Needs: override TOP_K, GUESS, picks.
@group(0) @binding(5) var<storage, read_write> host_ids: array<u32>;

fn prepare(lane: u32) {}

fn tell(lane: u32) {
  if (lane != 0u) { return; }
  for (var i = 0u; i < TOP_K + GUESS; i++) { host_ids[i] = picks[i]; }
}
