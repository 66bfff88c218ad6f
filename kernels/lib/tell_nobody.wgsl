// The router's choice stays on the GPU.
fn prepare(lane: u32) {}
fn tell(lane: u32) {}
