// The shapes of three matrices in one buffer, whose workgroups follow one another.
// Must be kept in sync with `shapeTable()` in src/ops/projections.ts.
struct Shape {
  first_workgroup: u32,
  base: u32,  // where the matrix starts, in vec4s
  n: u32,
  g: u32,
  p: u32,
  scale_at: u32,
  zero_at: u32,
  meta_at: u32,
  meta_count: u32,
  residues: u32,
}
@group(0) @binding(5) var<storage, read> shapes: array<Shape, 3>;

// As in shape_one.wgsl, of the matrix that was taken.
var<private> N: u32;
var<private> G: u32;
var<private> P: u32;
var<private> SCALE_AT: u32;
var<private> ZERO_AT: u32;
var<private> META_AT: u32;
var<private> META: u32;
var<private> RESIDUES: u32;

// Takes the workgroup's matrix. Returns which it is.
fn take_matrix(workgroup: u32) -> u32 {
  let i = select(0u, 1u, workgroup >= shapes[1].first_workgroup) +
    select(0u, 1u, workgroup >= shapes[2].first_workgroup);
  N = shapes[i].n;
  G = shapes[i].g;
  P = shapes[i].p;
  SCALE_AT = shapes[i].scale_at;
  ZERO_AT = shapes[i].zero_at;
  META_AT = shapes[i].meta_at;
  META = shapes[i].meta_count;
  RESIDUES = shapes[i].residues;
  return i;
}
