// What attention_tile.wgsl does with 32 tokens and 32 positions in shared memory.
// Needs: override D, QUADS, WINDOW, sum.
const TILE = 32u;          // tokens, and positions
const SLICE = 8u;          // vec4s of a head
const LOWEST = -3.0e38;

var<workgroup> a_tile: array<vec4f, 256>;         // q: (32 elements, 8 fours of tokens)
var<workgroup> b_tile: array<vec4f, 256>;         // k: (32 elements, 8 fours of positions)
                                                  // v: (32 positions, 8 fours of elements)
var<workgroup> p: array<vec4f, 256>;              // (32 positions, 8 fours of tokens)
var<workgroup> highest: array<f32, TILE>;         // by token
var<workgroup> total: array<f32, TILE>;
var<workgroup> shrink: array<vec4f, 8>;

// Rows of vec4s to columns of scalars: element 4 part + c, token or position i.
fn store_a(i: u32, part: u32, v: vec4f) {
  let at = part * 32u + i / 4u;
  let c = i % 4u;
  a_tile[at][c] = v.x;
  a_tile[at + 8u][c] = v.y;
  a_tile[at + 16u][c] = v.z;
  a_tile[at + 24u][c] = v.w;
}

fn store_b(i: u32, part: u32, v: vec4f) {
  let at = part * 32u + i / 4u;
  let c = i % 4u;
  b_tile[at][c] = v.x;
  b_tile[at + 8u][c] = v.y;
  b_tile[at + 16u][c] = v.z;
  b_tile[at + 24u][c] = v.w;
}

// Scores of 4 tokens (rows) and 4 positions (components), summed over a slice.
fn score_slice(ti: u32, pi: u32, before: mat4x4f) -> mat4x4f {
  var s = before;
  for (var e = 0u; e < 32u; e += 2u) {
    let a0 = a_tile[e * 8u + ti];
    let b0 = b_tile[e * 8u + pi];
    let a1 = a_tile[e * 8u + 8u + ti];
    let b1 = b_tile[e * 8u + 8u + pi];
    s[0] += a0.x * b0 + a1.x * b1;
    s[1] += a0.y * b0 + a1.y * b1;
    s[2] += a0.z * b0 + a1.z * b1;
    s[3] += a0.w * b0 + a1.w * b1;
  }
  return s;
}

// One token's scores at positions start... to exponentials; it sees itself and
// what came before.
fn soften(i: u32, start: u32, position: u32) {
  let at = i / 4u;
  let c = i % 4u;
  let scale = inverseSqrt(f32(D));
  var now_highest = highest[i];
  for (var j = 0u; j < TILE; j++) {
    let is_seen = start + j <= position && (WINDOW == 0u || start + j + WINDOW > position);
    let score = select(LOWEST, p[j * 8u + at][c] * scale, is_seen);
    p[j * 8u + at][c] = score;
    now_highest = max(now_highest, score);
  }
  var sum_now = 0.0;
  for (var j = 0u; j < TILE; j++) {
    let score = p[j * 8u + at][c];
    // Not `score > LOWEST`, which would take NaN for a position that nobody sees.
    let e = select(exp(score - now_highest), 0.0, score == LOWEST);
    p[j * 8u + at][c] = e;
    sum_now += e;
  }
  let less = exp(highest[i] - now_highest);
  shrink[at][c] = less;
  total[i] = total[i] * less + sum_now;
  highest[i] = now_highest;
}

// sum = sum * shrink + p v for 4 tokens and a vec4 of the slice.
fn add_values(ti: u32, pi: u32, slice: u32) {
  let at = ti * 4u * QUADS + slice + pi;
  let less = shrink[ti];
  var acc0 = sum[at] * less.x;
  var acc1 = sum[at + QUADS] * less.y;
  var acc2 = sum[at + 2u * QUADS] * less.z;
  var acc3 = sum[at + 3u * QUADS] * less.w;
  for (var j = 0u; j < TILE; j += 2u) {
    let p0 = p[j * 8u + ti];
    let v0 = b_tile[j * 8u + pi];
    let p1 = p[j * 8u + 8u + ti];
    let v1 = b_tile[j * 8u + 8u + pi];
    acc0 += p0.x * v0 + p1.x * v1;
    acc1 += p0.y * v0 + p1.y * v1;
    acc2 += p0.z * v0 + p1.z * v1;
    acc3 += p0.w * v0 + p1.w * v1;
  }
  sum[at] = acc0;
  sum[at + QUADS] = acc1;
  sum[at + 2u * QUADS] = acc2;
  sum[at + 3u * QUADS] = acc3;
}
