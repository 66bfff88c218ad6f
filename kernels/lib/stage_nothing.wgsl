// Nothing is staged: a missing expert comes whole over the bus.
fn read_staged(lane: u32) {}
fn staged_of(expert: u32) -> u32 { return 0u; }
fn stage(lane: u32, miss_count: u32) {}
