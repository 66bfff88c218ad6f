// The rows of x as they are.
// Needs: x.
fn input4(row: u32, k4: u32) -> vec4f { return x[row + k4]; }
fn square4(row: u32, k4: u32) -> f32 { return 0.0; }
fn input_scale(squares: f32) -> f32 { return 1.0; }
fn keep4(row: u32, k4: u32, scale: f32) {}
