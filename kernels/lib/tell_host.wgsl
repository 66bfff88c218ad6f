// The router's choice goes to host memory too.
@group(0) @binding(5) var<storage, read_write> host_ids: array<u32>;
fn tell(i: u32, id: u32) { host_ids[i] = id; }
