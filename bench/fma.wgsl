// Nothing but float32 multiply-adds: 8 chains of vec4f, so that none waits for itself.
// Each invocation makes ROUNDS * 8 * 8 of vec4f.
override ROUNDS: u32;

@group(0) @binding(0) var<storage, read_write> sums: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  // Unknown to the compiler, and such that no sum grows.
  let m = sums[0] + vec4f(0.5);
  let a = sums[1] + vec4f(f32(id.x));
  var s0 = a; var s1 = a + m; var s2 = a - m; var s3 = a * m;
  var s4 = -a; var s5 = m - a; var s6 = a + a; var s7 = a - a;
  for (var i = 0u; i < ROUNDS; i++) {
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
    s0 = fma(s0, m, a); s1 = fma(s1, m, a); s2 = fma(s2, m, a); s3 = fma(s3, m, a);
    s4 = fma(s4, m, a); s5 = fma(s5, m, a); s6 = fma(s6, m, a); s7 = fma(s7, m, a);
  }
  let all = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
  // Never true, but the compiler cannot know.
  if (all.x == 12345.0) { sums[id.x % 2u] = all; }
}
