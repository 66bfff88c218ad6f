// Four heads of q that share a head of k and v, over QUADS lanes of a subgroup.
// Needs: attention_lanes; QUADS is at least 4.

// Four queries times a key: in lane i of 4 the score of head i. Two steps halve what a
// lane sums for, the others add up what is left.
fn score_of(query: mat4x4f, key: vec4f, lane: u32) -> f32 {
  let s = vec4f(
    dot(query[0], key),
    dot(query[1], key),
    dot(query[2], key),
    dot(query[3], key),
  );
  let is_odd = lane % 2u == 1u;
  let two = select(s.xz, s.yw, is_odd) + subgroupShuffleXor(select(s.yw, s.xz, is_odd), 1u);
  let is_high = lane % 4u > 1u;
  var sum = select(two.x, two.y, is_high) +
    subgroupShuffleXor(select(two.y, two.x, is_high), 2u);
  if (QUADS > 4u) { sum += subgroupShuffleXor(sum, 4u); }
  if (QUADS > 8u) { sum += subgroupShuffleXor(sum, 8u); }
  if (QUADS > 16u) { sum += subgroupShuffleXor(sum, 16u); }
  return sum;
}

// What the lanes of 4 have, in all of them.
fn heads_of(value: f32, lane: u32) -> vec4f {
  let first = lane % SUBGROUP / 4u * 4u;
  return vec4f(
    subgroupShuffle(value, first),
    subgroupShuffle(value, first + 1u),
    subgroupShuffle(value, first + 2u),
    subgroupShuffle(value, first + 3u),
  );
}

// A value times a weight for each head.
fn outer(value: vec4f, weight: vec4f) -> mat4x4f {
  return mat4x4f(weight.x * value, weight.y * value, weight.z * value, weight.w * value);
}

fn scale(sum: mat4x4f, by: vec4f) -> mat4x4f {
  return mat4x4f(sum[0] * by.x, sum[1] * by.y, sum[2] * by.z, sum[3] * by.w);
}
