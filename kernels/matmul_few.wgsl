// Y (+)= X W^T for few rows of x, as matmul_wide.wgsl: short prompts on a GPU, and long
// ones where that has too few workgroups. For codes of 8, 4 and 2 bits whose scales and
// zeros are quantized to 8 bits, with K and META multiples of 16.
// A workgroup takes 8 units and 8 rows of x; 32 invocations share a unit's inputs, 16 of
// which each takes at a time, times 8 outputs in one group, summed in registers. In the
// end their sums go through shared memory.
// Needs: few_units, few_u*, outer, rows_*.
override X_STRIDE: u32;
override Y_STRIDE: u32;
override ADD: u32;       // 1: add to y, 0: write y

const PARTS = 32u;  // invocations of a unit

@group(0) @binding(0) var<storage, read> w: array<vec4u>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

// What all inputs of the invocation have in common: where the matrix begins, the unit's
// group and first packed row there, where 8 rows of x begin, whether it has rows 4 to 7.
struct Task { base: u32, g: u32, row: u32, low: vec4u, high: vec4u, has_high: bool }

var<private> aa: mat4x4f;  // (rows 0 to 3, outputs of the first block)
var<private> ab: mat4x4f;
var<private> ba: mat4x4f;  // (rows 4 to 7)
var<private> bb: mat4x4f;

var<workgroup> sums: array<vec4f, 1024>;  // (4 rows, 256 invocations)

// Four inputs of 4 rows of x; a column is an input.
fn x4(rows: vec4u, k4: u32) -> mat4x4f {
  return transpose(mat4x4f(x[rows.x + k4], x[rows.y + k4], x[rows.z + k4], x[rows.w + k4]));
}

// Inputs 4 j to 4 j + 3 of a part.
fn multiply(task: Task, unit: Unit, part: u32, j: u32) {
  let k4 = part * 4u + j;
  let scales = scales4(unit, j, task.base, task.g, k4);
  let a = weights4(unit.a, j, scales);
  let b = weights4(unit.b, j, scales);
  let low = x4(task.low, k4);
  aa = outer4(aa, a, low);
  ab = outer4(ab, b, low);
  if (!task.has_high) { return; }
  let high = x4(task.high, k4);
  ba = outer4(ba, a, high);
  bb = outer4(bb, b, high);
}

fn rows4_at(z: u32, i: u32, rows: u32) -> vec4u {
  let row = min(vec4u(i) + vec4u(0u, 1u, 2u, 3u), vec4u(rows - 1u));
  return vec4u(x_row(z, row.x), x_row(z, row.y), x_row(z, row.z), x_row(z, row.w)) *
    (X_STRIDE / 4u);
}

// Four rows from i on of a block of each unit.
fn store(lane: u32, id: vec3u, i: u32, block: u32, s: mat4x4f) {
  workgroupBarrier();
  sums[lane] = s[0];
  sums[256u + lane] = s[1];
  sums[512u + lane] = s[2];
  sums[768u + lane] = s[3];
  workgroupBarrier();
  // Lane: (4 rows, 4 outputs of the block, 8 units), so that neighbours are so in y.
  let row = lane / 32u;
  let output = lane / 8u % 4u;
  let unit = id.x * 8u + lane % 8u;
  let packed = unit / G * (2u * BLOCK_ROWS) + block * BLOCK_ROWS + output / CODES;
  if (lane >= 128u || i + row >= row_count(id.z) || packed >= P) { return; }
  var total = 0.0;
  for (var part = 0u; part < 8u; part++) {
    let at = row * 256u + part * 32u + lane % 8u * 4u;
    total += (sums[at][output] + sums[at + 1u][output]) +
      (sums[at + 2u][output] + sums[at + 3u][output]);
  }
  let to = y_row(id.z, i + row) * Y_STRIDE + unit % G + (packed + output % CODES * P) * G;
  if (ADD == 1u) { y[to] += total; } else { y[to] = total; }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let rows = row_count(id.z);
  let first = id.y * 8u;
  if (first >= rows) { return; }
  // Units beyond the last are the last again, not to be stored.
  let unit = min(id.x * 8u + lane / 4u % 8u, P / (2u * BLOCK_ROWS) * G - 1u);
  let task = Task(
    weights_at(id.z) / 4u,
    unit % G,
    unit / G * (2u * BLOCK_ROWS),
    rows4_at(id.z, first, rows),
    rows4_at(id.z, first + 4u, rows),
    first + 4u < rows,
  );
  // 4 of a unit's invocations lie side by side.
  let start = lane % 4u + lane / 32u * 4u;
  var next = load_unit(task.base, task.g, task.row, start);
  for (var part = start; part < K / 16u; part += PARTS) {
    let current = next;
    next = load_unit(task.base, task.g, task.row, part + PARTS);
    multiply(task, current, part, 0u);
    multiply(task, current, part, 1u);
    multiply(task, current, part, 2u);
    multiply(task, current, part, 3u);
  }
  store(lane, id, first, 0u, aa);
  store(lane, id, first, 1u, ab);
  store(lane, id, first + 4u, 0u, ba);
  store(lane, id, first + 4u, 1u, bb);
}
