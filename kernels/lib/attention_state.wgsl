// What online softmax (Milakov and Gimelshein, arXiv 1805.02867) knows of a head and
// some positions: the largest score, and relative to it the sum of the exponentials
// and a vec4 of the sum of the values.
struct State { highest: f32, total: f32, sum: vec4f }

const LOWEST = -3.0e38;
