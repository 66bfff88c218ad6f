// y[t, head] = softmax(q k^T / sqrt(D)) v for many tokens: prefill on a GPU. Shapes
// and masks as in attention.wgsl; heads of at most 32 vec4s.
// One workgroup of 128 for 64 rows, the heads of some tokens that share a head of k
// and v (FlashAttention-2, Dao, arXiv 2307.08691): for 64 positions at a time,
// scores = q k^T, softmax, sum = sum * shrink + p v. An invocation sums squares of 8
// rows x 4 positions, and of 8 rows x 8 elements, in registers. q and k, then v, pass
// through shared memory in slices; while one is multiplied, the next is on its way to
// registers, and two places take turns, so that a slice waits at one barrier.
// Needs: step, attention_state, attention_slices, attention_rows.
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
  var a0 = mat4x4f();  // rows 0 to 3 of the 8, vec4 pi
  var a1 = mat4x4f();  // rows 4 to 7
  var b0 = mat4x4f();  // the same, vec4 pi + 16
  var b1 = mat4x4f();
  var side = 0u;
  var next = load_keys(lane, tile, tile.first, 0u);
  for (var start = tile.first; start < tile.end; start += 64u) {
    var s0 = mat4x4f();
    var s1 = mat4x4f();
    for (var quad = 0u; quad < QUADS; quad += 4u) {
      store_keys(lane, side, next);
      workgroupBarrier();
      if (quad + 4u < QUADS) {
        next = load_keys(lane, tile, start, quad + 4u);
      } else {
        next = load_values(lane, tile, start);
      }
      for (var part = 0u; part < 4u; part++) {
        let at = side + part * 64u;
        let q_at = at + (ri ^ part) * 2u;
        let k_at = at + 256u + (pi ^ part * 2u);
        for (var c = 0u; c < 64u; c += 32u) {
          let k0 = slices[k_at + c];
          s0 = outer(s0, slices[q_at + c], k0);
          s1 = outer(s1, slices[q_at + c + 1u], k0);
          let k1 = slices[k_at + c + 16u];
          s0 = outer(s0, slices[q_at + c + 16u], k1);
          s1 = outer(s1, slices[q_at + c + 17u], k1);
        }
      }
      side = 512u - side;
    }
    store_scores(ri, pi, s0, s1);
    workgroupBarrier();
    let free = 512u - side;
    state = soften(lane, start, free, position, state);
    workgroupBarrier();
    let less0 = slices[free + 64u + ri * 2u];
    let less1 = slices[free + 65u + ri * 2u];
    a0 = shrunk(a0, less0);
    a1 = shrunk(a1, less1);
    b0 = shrunk(b0, less0);
    b1 = shrunk(b1, less1);
    for (var j = 0u; j < 64u; j += 16u) {
      store_values(lane, side, next);
      workgroupBarrier();
      if (j < 48u) {
        next = load_values(lane, tile, start + j + 16u);
      } else {
        next = load_keys(lane, tile, start + 64u, 0u);
      }
      for (var i = 0u; i < 16u; i += 2u) {
        let p0_at = p_at(ri * 2u, j + i) + i % 4u * 16u;
        let p1_at = p_at(ri * 2u + 1u, j + i) + i % 4u * 16u;
        let v_at = side + i * 32u + pi;
        let p0 = p[p0_at];
        let p1 = p[p1_at];
        let va = slices[v_at];
        a0 = outer(a0, p0, va);
        a1 = outer(a1, p1, va);
        let p2 = p[p0_at + 16u];
        let p3 = p[p1_at + 16u];
        let vb = slices[v_at + 32u];
        a0 = outer(a0, p2, vb);
        a1 = outer(a1, p3, vb);
        if (QUADS > 16u) {
          let vc = slices[v_at + 16u];
          b0 = outer(b0, p0, vc);
          b1 = outer(b1, p1, vc);
          let vd = slices[v_at + 48u];
          b0 = outer(b0, p2, vd);
          b1 = outer(b1, p3, vd);
        }
      }
      side = 512u - side;
    }
  }
  workgroupBarrier();
  slices[lane % 64u][lane / 64u] = state.total;
  workgroupBarrier();
  store_rows(tile, ri * 8u, pi, a0, b0);
  store_rows(tile, ri * 8u + 4u, pi, a1, b1);
}
