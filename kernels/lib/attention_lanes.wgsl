// A position over QUADS lanes of a subgroup, a vec4 of the head each.
// Needs: step, angles, k_cache, v_cache, override KV_HEADS.
override SUBGROUP: u32;
override QUADS: u32;      // D / 4: a power of two, at most SUBGROUP

// Sums over the QUADS lanes of a position.
fn sum_quads(value: f32) -> f32 {
  if (QUADS == SUBGROUP) { return subgroupAdd(value); }
  var sum = value;
  if (QUADS > 1u) { sum += subgroupShuffleXor(sum, 1u); }
  if (QUADS > 2u) { sum += subgroupShuffleXor(sum, 2u); }
  if (QUADS > 4u) { sum += subgroupShuffleXor(sum, 4u); }
  if (QUADS > 8u) { sum += subgroupShuffleXor(sum, 8u); }
  if (QUADS > 16u) { sum += subgroupShuffleXor(sum, 16u); }
  return sum;
}

// Turns pairs (i, i + D / 2): `own` is quad `quad` of a head, `other` the quad half
// a head away.
fn rotate(own: vec4f, other: vec4f, quad: u32) -> vec4f {
  let half = QUADS / 2u;
  let at = (step.position * half + quad % half) * 2u;
  let a = angles[at];
  let b = angles[at + 1u];
  let turned = vec4f(a.y, a.w, b.y, b.w) * other;
  return vec4f(a.x, a.z, b.x, b.z) * own + select(turned, -turned, quad < half);
}

// Keys and values of 4 positions.
struct Four { k: mat4x4f, v: mat4x4f }

// Positions beyond the last are the last again.
fn load_four(j: vec4u, last: u32, at: u32) -> Four {
  let i = min(j, vec4u(last)) * (KV_HEADS * QUADS) + at;
  return Four(
    mat4x4f(k_cache[i.x], k_cache[i.y], k_cache[i.z], k_cache[i.w]),
    mat4x4f(v_cache[i.x], v_cache[i.y], v_cache[i.z], v_cache[i.w]),
  );
}
