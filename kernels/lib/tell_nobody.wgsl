// The router's choice stays on the GPU.
fn tell(i: u32, id: u32) {}
