// Which routed rows each expert gets: row t TOP_K + r is rank r of token t.
//   ids (T, TOP_K) u32    counts (E) u32    lists (E, ROW_LIMIT) u32, in order
// One invocation for an expert. Needs: step.
override E: u32;
override TOP_K: u32;
override ROW_LIMIT: u32;

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read_write> counts: array<u32>;
@group(0) @binding(2) var<storage, read_write> lists: array<u32>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let e = id.x;
  if (e >= E) { return; }
  var count = 0u;
  for (var row = 0u; row < step.token_count * TOP_K; row++) {
    if (ids[row] == e) {
      lists[e * ROW_LIMIT + count] = row;
      count++;
    }
  }
  counts[e] = count;
}
