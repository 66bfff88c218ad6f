// y[t, head] = softmax(q k^T / sqrt(D)) v for many tokens: prefill on a GPU. Shapes
// and masks as in attention.wgsl; heads of at most 32 vec4s.
// One workgroup of 128 for 64 rows, the heads of some tokens that share a head of k
// and v (FlashAttention-2, Dao, arXiv 2307.08691): for 64 positions at a time,
// scores = q k^T, softmax, sum = sum * shrink + p v. An invocation sums squares of 8
// rows x 4 positions, and of 8 rows x 8 elements, in registers. q and k, then v, pass
// through shared memory in slices; while one is multiplied, the next is on its way to
// registers, and two places take turns, so that a slice waits at one barrier.
// Needs: step, attention_state, attention_slices, attention_products, attention_rows.
@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  // The last tokens see most: they begin first.
  let first_token = (count.y - 1u - id.y) * TOKENS;
  let tile = tile_of(id.x, first_token);
  let ri = lane / 16u;  // which 8 rows
  let pi = lane % 16u;  // which 4 positions, or which 2 vec4s of a head
  let position = step.position + first_token + lane % 64u / RATIO;
  var state = State(LOWEST, 0.0, vec4f());
  var sums = Sums(Square(mat4x4f(), mat4x4f()), Square(mat4x4f(), mat4x4f()));
  var side = 0u;
  var next = load_keys(lane, tile, tile.first, 0u);
  for (var start = tile.first; start < tile.end; start += 64u) {
    var scores = Square(mat4x4f(), mat4x4f()); // naga 29 would not clear it
    for (var quad = 0u; quad < QUADS; quad += 4u) {
      store_keys(lane, side, next);
      workgroupBarrier();
      if (quad + 4u < QUADS) {
        next = load_keys(lane, tile, start, quad + 4u);
      } else {
        next = load_values(lane, tile, start);
      }
      scores = score_slice(scores, side, ri, pi);
      side = 1u - side;
    }
    store_scores(ri, pi, scores);
    workgroupBarrier();
    let free = 1u - side;
    state = soften(lane, start, free, position, state);
    workgroupBarrier();
    let shrink_top = slices[free][0][2][ri * 2u];
    let shrink_bottom = slices[free][0][2][ri * 2u + 1u];
    sums.a = shrunk(sums.a, shrink_top, shrink_bottom);
    sums.b = shrunk(sums.b, shrink_top, shrink_bottom);
    for (var slice = 0u; slice < 4u; slice++) {
      store_values(lane, side, next);
      workgroupBarrier();
      if (slice < 3u) {
        next = load_values(lane, tile, start + slice * 16u + 16u);
      } else {
        next = load_keys(lane, tile, start + 64u, 0u);
      }
      sums = add_slice(sums, side, slice, ri, pi);
      side = 1u - side;
    }
  }
  workgroupBarrier();
  slices[0][0][lane / 64u][lane % 64u / 4u][lane % 4u] = state.total;
  workgroupBarrier();
  store_rows(tile, ri * 8u, pi, sums.a.top, sums.b.top);
  store_rows(tile, ri * 8u + 4u, pi, sums.a.bottom, sums.b.bottom);
}
