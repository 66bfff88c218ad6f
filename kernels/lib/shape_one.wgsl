// The shape of a matrix that lib/strip.wgsl reads.
override N: u32;
override G: u32;         // groups
override P: u32;         // packed rows in a group
override SCALE_AT: u32;  // as in group_meta8.wgsl or group_axis1.wgsl
override ZERO_AT: u32;
override META_AT: u32 = 0u;  // of group_meta8.wgsl only
override META: u32 = 0u;
override RESIDUES: u32;  // how far apart groups are that have their meta scales in common
