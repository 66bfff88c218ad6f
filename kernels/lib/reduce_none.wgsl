// For kernels that read weights through codes_* but do not sum over lanes.
fn reduce_sum4(lane: u32, value: vec4f) -> vec4f { return value; }
fn reduce_sum(lane: u32, value: f32) -> f32 { return value; }
